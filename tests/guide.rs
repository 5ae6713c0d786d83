//! `docs/plugins/first-plugin.md`, followed word for word: the commands of the page and no others.
//!
//! Only what the reader's machine would differ in is changed: ports are free ones, the SDK is that of this
//! checkout, and compilers find what an earlier build of an example left. How long each step took is printed;
//! with `CAUSEWAY_GUIDE_FROM_NOTHING=1` nothing of an earlier build is there.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use causeway_tests::guests::guest;
use causeway_tests::outcome::ok;
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::{causeway, clean, repository, run};

const LIMIT: Duration = Duration::from_secs(1200);
/// Port of the page.
const PORT: &str = "8449";

/// A reader: an empty folder, and the program in the search path with its plugins beside it.
struct Reader {
    folder: tempfile::TempDir,
    /// What compilers left.
    cache: PathBuf,
    port: u16,
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = match std::env::var_os("CAUSEWAY_GUIDE_FROM_NOTHING") {
            Some(_) => folder.path().join("cache"),
            None => {
                // The standard library for components is built by then, as it is on the machine of
                // whoever follows the page a second time.
                guest("memory-rust");
                repository().join("target/guest")
            }
        };
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(causeway(), bin.join("causeway")).unwrap();
        symlink(plugin_dir(), bin.join("plugins")).unwrap();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        Self {
            folder,
            cache,
            port,
        }
    }

    fn shell(&self, at: &str, script: &str) -> Command {
        let script = script.replace(PORT, &self.port.to_string());
        let path = std::env::var("PATH").unwrap();
        let bin = self.folder.path().join("bin");
        let mut bash = clean("bash");
        bash.args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.folder.path().join(at))
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("CAUSEWAY_SDK", repository().join("sdk"))
            .env("CAUSEWAY_GUEST_CACHE", &self.cache)
            .env("CAUSEWAY__SERVER__LISTEN", "127.0.0.1:0");
        bash
    }

    fn serve(&self, at: &str, script: &str) -> Server {
        let script = format!("exec {}", script.trim());
        let log = std::fs::File::create(self.folder.path().join("serve.log")).unwrap();
        let mut bash = self.shell(at, &script);
        let child = bash.stdin(Stdio::null()).stdout(log.try_clone().unwrap());
        let server = Server(child.stderr(log).spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(120);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "the gateway did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }
}

/// Ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed by then.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A block of commands of a page, under its heading.
struct Step {
    heading: String,
    script: String,
    serves: bool,
}

/// The commands of a page, in order.
fn steps(page: &Path) -> Vec<Step> {
    let text = std::fs::read_to_string(page).unwrap();
    let (mut heading, mut steps) = (String::new(), Vec::new());
    for (index, block) in text.split("\n```").enumerate() {
        if index % 2 == 0 {
            let last = block.lines().rfind(|line| line.starts_with("## "));
            heading = last.unwrap_or(&heading).trim_start_matches("## ").into();
            continue;
        }
        let (kind, script) = block.split_once('\n').unwrap();
        assert!(["sh", "sh server"].contains(&kind), "a block of {kind}");
        steps.push(Step {
            heading: heading.clone(),
            script: script.to_owned(),
            serves: kind == "sh server",
        });
    }
    steps
}

/// What is printed between two steps; the time follows.
const STEP: &str = "step done at ";

/// Follows the steps one after the other, tells how long each took, and gives what they said.
fn follow(reader: &Reader, at: &str, steps: &[Step]) -> String {
    let watch = format!("echo \"{STEP}$EPOCHREALTIME\"\n");
    let blocks = steps.iter().map(|it| format!("{}\n{watch}", it.script));
    let script = format!("{watch}{}", blocks.collect::<String>());
    let said = ok(&run(&mut reader.shell(at, &script), LIMIT));
    let (times, rest): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with(STEP));
    let time = |line: &&str| line[STEP.len()..].parse::<f64>().unwrap();
    let times: Vec<f64> = times.iter().map(time).collect();
    assert_eq!(times.len(), steps.len() + 1, "{said}");
    for (step, time) in steps.iter().zip(times.windows(2)) {
        println!("{:>7.1} s  {}", time[1] - time[0], step.heading);
    }
    rest.join("\n")
}

#[test]
fn the_guide_leads_to_a_listing_and_a_transfer() {
    let steps = steps(&repository().join("docs/plugins/first-plugin.md"));
    let serves = steps.iter().position(|it| it.serves).unwrap();
    let (before, serving) = steps.split_at(serves);
    let (server, after) = serving.split_first().unwrap();
    assert!(before.len() == 4 && after.len() == 1);
    let reader = Reader::new();
    let said = follow(&reader, ".", before);
    assert!(said.contains("hello.txt"), "{said}");
    let start = Instant::now();
    let _server = reader.serve("answer", &server.script);
    let time = start.elapsed().as_secs_f64();
    println!("{time:>7.1} s  {} (until it listens)", server.heading);
    let said = follow(&reader, "answer", after);
    assert!(said.contains("hello.txt"), "{said}");
    assert!(said.ends_with("Hello from answer"), "{said}");
}

#[test]
fn one_source_makes_a_native_library_as_well() {
    let reader = Reader::new();
    let script = "causeway plugins new both && causeway plugins build both --native --out both.so && \
                  causeway plugins check both.so";
    let native = repository().join("target/guest-native");
    let mut shell = reader.shell(".", script);
    ok(&run(shell.env("CARGO_TARGET_DIR", native), LIMIT));
}
