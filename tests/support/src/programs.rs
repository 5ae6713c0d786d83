//! Where built programs and libraries are, and how other programs are run: bounded in time, and
//! without the settings of whoever started the tests.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Variables that would make clients trust or show something else than the test means.
const AMBIENT: [&str; 24] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "BEARER_TOKEN",
    "CAUSEWAY_CONFIG",
    "CAUSEWAY_ENDPOINT",
    "CURL_CA_BUNDLE",
    "FTS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "X509_CERT_DIR",
    "X509_USER_CERT",
    "X509_USER_KEY",
    "X509_USER_PROXY",
];

/// The plugins that come with the product.
pub(crate) const PLUGINS: [&str; 7] = ["mock", "file", "http", "s3", "cloud", "ftp", "gridftp"];

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

/// The directory with the `causeway` program and the plugin libraries: the one that
/// `CAUSEWAY_TEST_PROGRAMS` names, else where cargo builds this profile. There they are built once
/// per test process; cargo does nothing when they are fresh.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| match std::env::var_os("CAUSEWAY_TEST_PROGRAMS") {
        Some(dir) => dir.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let plugins = PLUGINS.map(|plugin| format!("causeway-plugin-{plugin}"));
    let server = "causeway-server".to_owned();
    build_packages(std::iter::once(server).chain(plugins))
}

/// A file of a package outside the product, which is built first unless somebody says where the
/// built programs are.
pub fn built_extra(package: &str, file: &str) -> PathBuf {
    match std::env::var_os("CAUSEWAY_TEST_PROGRAMS") {
        Some(dir) => Path::new(&dir).join(file),
        None => build_packages([package.to_owned()]).join(file),
    }
}

fn build_packages(packages: impl IntoIterator<Item = String>) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let dir = test
        .ancestors()
        .nth(2)
        .expect("tests lie in deps/")
        .to_owned();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository()).args(["build", "--quiet"]);
    for package in packages {
        command.args(["-p", &package]);
    }
    if dir.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo can be started");
    assert!(
        status.success(),
        "building the program and its plugins failed"
    );
    dir
}

/// The `causeway` program.
pub fn causeway() -> PathBuf {
    built().join("causeway")
}

/// The Python of the client environment that `tests/install.sh` makes.
pub fn python() -> PathBuf {
    let python = repository().join("target/lab/venv/bin/python3");
    assert!(
        python.exists(),
        "{} is missing: run tests/install.sh",
        python.display()
    );
    python
}

/// Installs a library into a plugin directory, as an operator would, and gives the plugin's folder.
pub fn install(library: &Path, dir: &Path) -> PathBuf {
    let mut command = clean(causeway());
    command.args(["plugins", "install"]).args([library, dir]);
    let said = expect(&mut command, Duration::from_secs(60));
    let folder = said.trim().strip_prefix("installed ");
    folder.expect("it says where").into()
}

/// A command that inherits nothing that decides about identity, trust or endpoints.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in AMBIENT {
        command.env_remove(name);
    }
    command
}

/// Runs a program to its end; at `limit` it is killed and the test fails.
pub fn run(command: &mut Command, limit: Duration) -> Output {
    run_with(command, "", limit)
}

/// The same, with a text on its standard input.
pub fn run_with(command: &mut Command, input: &str, limit: Duration) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_owned();
    // A program that does not read its input closes the pipe; that is its right.
    std::thread::spawn(move || drop(std::io::Write::write_all(&mut stdin, input.as_bytes())));
    let stdout = collect(child.stdout.take().expect("stdout is piped"));
    let stderr = collect(child.stderr.take().expect("stderr is piped"));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > limit {
            child.kill().expect("the child was running");
            child.wait().expect("a killed child can be waited for");
            let texts = (
                text(&stdout.join().expect("no panic")),
                text(&stderr.join().expect("no panic")),
            );
            panic!(
                "{command:?} has not ended after {limit:?}\n{}\n{}",
                texts.0, texts.1
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let stdout = stdout.join().expect("reading does not panic");
    let stderr = stderr.join().expect("reading does not panic");
    Output {
        status,
        stdout,
        stderr,
    }
}

/// Runs it, expects success, and gives its standard output.
pub fn expect(command: &mut Command, limit: Duration) -> String {
    let output = run(command, limit);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        drop(pipe.read_to_end(&mut bytes));
        bytes
    })
}
