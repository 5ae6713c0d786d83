// Shows the job whose id stands behind the # of the address, by the REST API.
"use strict";

const place = (id) => document.getElementById(id);

const element = (name, content) => {
  const made = document.createElement(name);
  // Text only: nothing of an answer becomes markup.
  made.append(content === null || content === undefined ? "" : content);
  return made;
};

const link = (text, href) => {
  const made = element("a", text);
  made.href = href;
  return made;
};

const wanted = () => {
  const found = /^#\/job\/([0-9a-fA-F-]{36})/.exec(location.hash);
  return found && found[1].toLowerCase();
};

const ask = async (path) => {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message || answer.statusText);
  return body;
};

const HEAD = ["job_state", "vo_name", "submit_time", "job_finished", "priority", "job_type",
  "source_se", "dest_se", "submit_host", "reason"];

const drawJob = (job) => {
  const rows = HEAD.flatMap((name) => [
    element("dt", name.replaceAll("_", " ")),
    element("dd", job[name] === null ? "" : String(job[name])),
  ]);
  place("job").replaceChildren(...rows);
};

const drawFiles = (job, files) => {
  const titles = ["File", "State", "Source", "Destination", "Size", "MiB/s", "Retries", "Reason", "Log"];
  const head = element("tr");
  head.replaceChildren(...titles.map((it) => element("th", it)));
  const rows = files.map((file) => {
    const log = file.log_file ? link("log", `/jobs/${job}/files/${file.file_id}/log`) : "";
    const speed = file.throughput === null ? "" : file.throughput.toFixed(2);
    const cells = [file.file_id, file.file_state, file.source_surl, file.dest_surl,
      file.filesize, speed, file.retry, file.reason, log];
    const row = element("tr");
    row.replaceChildren(...cells.map((it) =>
      element("td", it instanceof Node ? it : it === null ? "" : String(it))));
    return row;
  });
  place("files").replaceChildren(head, ...rows);
};

const show = async () => {
  const id = wanted();
  place("title").textContent = id ? `Job ${id}` : "Job";
  place("trouble").textContent = "";
  if (!id) return;
  try {
    const [job, files] = await Promise.all([ask(`/jobs/${id}`), ask(`/jobs/${id}/files`)]);
    if (id !== wanted()) return;
    drawJob(job);
    drawFiles(id, files);
  } catch (trouble) {
    place("trouble").textContent = trouble.message;
  }
};

// One look for many events, and never two at the same time.
let due = false;
const soon = () => {
  if (due) return;
  due = true;
  setTimeout(async () => { due = false; await show(); }, 1000);
};

let events = null;
const follow = async () => {
  if (events) events.close();
  events = null;
  await show();
  const id = wanted();
  if (!id) return;
  events = new EventSource(`/events?types=state,job&job_id=${id}`);
  for (const type of ["state", "job", "gap"]) events.addEventListener(type, soon);
};

place("search").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = `#/job/${new FormData(event.target).get("id").trim()}`;
});
window.addEventListener("hashchange", follow);
follow();
