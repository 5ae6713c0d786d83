//! `docs/plugins/first-plugin.md`, followed word for word: the commands of the page and no others.
//!
//! Only what the reader's machine would differ in is changed: ports are free ones, the SDK is that of this
//! checkout, and compilers find what an earlier build of an example left.

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
    port: u16,
}

impl Reader {
    fn new() -> Self {
        // The standard library for components is built by then, as it is on the machine of whoever
        // follows the page a second time.
        guest("memory-rust");
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(causeway(), bin.join("causeway")).unwrap();
        symlink(plugin_dir(), bin.join("plugins")).unwrap();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        Self { folder, port }
    }

    fn shell(&self, at: &str, script: &str) -> Command {
        let script = script.replace(PORT, &self.port.to_string());
        let path = std::env::var("PATH").unwrap();
        let bin = self.folder.path().join("bin");
        let lab = repository().join("target/lab/venv-guest/bin/componentize-py");
        let mut bash = clean("bash");
        bash.args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.folder.path().join(at))
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("CAUSEWAY_SDK", repository().join("sdk"))
            .env("CAUSEWAY_GUEST_CACHE", repository().join("target/guest"))
            .env("CAUSEWAY_COMPONENTIZE_PY", lab)
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

/// The commands of a page: those before a gateway is started, its start, and those after.
fn commands(page: &Path) -> (String, String, String) {
    let text = std::fs::read_to_string(page).unwrap();
    let (mut before, mut server, mut after) = (String::new(), String::new(), String::new());
    for block in text.split("\n```").skip(1).step_by(2) {
        let (kind, script) = block.split_once('\n').unwrap();
        match kind {
            "sh server" => server.push_str(script),
            "sh" if server.is_empty() => before.push_str(&format!("{script}\n")),
            "sh" => after.push_str(&format!("{script}\n")),
            other => panic!("a block of an unknown kind: {other}"),
        }
    }
    (before, server, after)
}

fn page() -> PathBuf {
    repository().join("docs/plugins/first-plugin.md")
}

#[test]
fn the_guide_leads_to_a_listing_and_a_transfer() {
    let (before, server, after) = commands(&page());
    assert!(before.lines().count() >= 6 && !after.is_empty());
    let reader = Reader::new();
    let said = ok(&run(&mut reader.shell(".", &before), LIMIT));
    assert!(said.contains("hello.txt"), "{said}");
    let _server = reader.serve("answer", &server);
    let said = ok(&run(&mut reader.shell("answer", &after), LIMIT));
    assert!(said.contains("hello.txt"), "{said}");
    assert!(said.ends_with("Hello from answer\n"), "{said}");
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

#[test]
fn a_project_in_python_builds_and_keeps_its_promises() {
    let reader = Reader::new();
    let script = "causeway plugins new snake --lang python && cd snake && \
                  causeway plugins build && causeway plugins check target/snake.wasm";
    ok(&run(&mut reader.shell(".", script), LIMIT));
}
