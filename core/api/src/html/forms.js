// Sends the forms of the configuration pages the way every other client talks to the service: JSON
// with numbers as numbers, DELETE with a query. Fields that are left blank are not sent.
"use strict";

const READERS = {
  text: (text) => text,
  integer: (text) => Number.parseInt(text, 10),
  number: Number,
  flag: (text) => text === "true",
  json: JSON.parse,
};

function valuesOf(form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-kind]")) {
    const text = field.value.trim();
    if (text !== "") values[field.name] = READERS[field.dataset.kind](text);
  }
  return values;
}

// What is sent: where to, and with which body.
function requestOf(form) {
  const values = valuesOf(form);
  let target = form.getAttribute("action");
  const part = form.dataset.part;
  if (part) {
    target += "/" + encodeURIComponent(values[part]);
    delete values[part];
  }
  if (form.dataset.method === "DELETE") {
    const query = new URLSearchParams(values).toString();
    return { target: query ? target + "?" + query : target };
  }
  // "se: se_info" puts the values under the storage's name and below that under a heading.
  const under = form.dataset.under;
  if (!under) return { target, body: values };
  const key = values[under];
  delete values[under];
  const heading = form.dataset.heading;
  return { target, body: { [key]: heading ? { [heading]: values } : values } };
}

async function send(form) {
  const said = form.querySelector("output");
  said.className = "";
  try {
    const { target, body } = requestOf(form);
    const answer = await fetch(target, {
      method: form.dataset.method,
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      credentials: "same-origin",
    });
    if (answer.ok) return location.reload();
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.message || answer.status + " " + answer.statusText);
  } catch (error) {
    said.className = "failed";
    said.textContent = error.message;
  }
}

for (const form of document.querySelectorAll("form[data-method]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = form.dataset.question;
    if (!question || confirm(question)) send(form);
  });
}
