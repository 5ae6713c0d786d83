//! `/dm/*` against XrdHTTP and against local files, cross-checked with gfal2 and the file system.

use std::path::Path;
use std::time::Duration;

use causeway_tests::data::{adler32, content, put};
use causeway_tests::programs::{clean, expect};
use causeway_tests::rest::encode;
use causeway_tests::{Answer, GatewayOptions, Grid};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A storage as the routes and as gfal2 see it.
struct Place<'a> {
    grid: &'a Grid,
    base: String,
    data: std::path::PathBuf,
}

impl Place<'_> {
    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// The same for gfal2, whose `file:` URLs are plain paths.
    fn gfal_url(&self, path: &str) -> String {
        if self.base.starts_with("file:") {
            self.url(&path.replace("%20", " "))
        } else {
            self.url(path)
        }
    }

    fn get(&self, operation: &str, url: &str) -> Answer {
        let path = format!("/dm/{operation}?surl={}", encode(url));
        self.grid
            .gateway
            .rest(Some(&self.grid.user("alice.proxy")), "GET", &path, None)
    }

    fn post(&self, operation: &str, body: &Value) -> Answer {
        self.grid.gateway.rest(
            Some(&self.grid.user("alice.proxy")),
            "POST",
            &format!("/dm/{operation}"),
            Some(body),
        )
    }

    fn change(&self, operation: &str, path: &str) -> Answer {
        self.post(operation, &json!({ "surl": self.url(path) }))
    }

    fn gfal(&self, command: &str, args: &[&str]) -> String {
        let mut gfal = clean(format!("gfal-{command}"));
        gfal.args(args).env("GFAL_PYTHONBIN", "/usr/bin/python3");
        gfal.env("X509_USER_PROXY", self.grid.pki.file("alice.proxy"));
        expect(
            gfal.env("X509_CERT_DIR", self.grid.pki.file("certificates")),
            LIMIT,
        )
    }

    fn walk(&self) {
        let bytes = content(123_457);
        // Directories: parents are not made, a second time is no success in disguise.
        done(self.change("mkdir", "dm"));
        assert!(self.data.join("dm").is_dir());
        done(self.change("mkdir", "dm/sub%20dir"));
        put(&self.data.join("dm/file"), &bytes);
        put(&self.data.join("dm/a b%+ü&<x>"), b"odd");

        // What is there, as gfal2 sees it.
        let stat = self.get("stat", &self.url("dm/file")).expect(200);
        assert_eq!(stat["size"], 123_457, "{stat}");
        assert_eq!(
            stat["mode"].as_u64().unwrap() & 0o170_000,
            0o100_000,
            "{stat}"
        );
        for key in ["nlink", "atime", "mtime", "ctime"] {
            assert!(stat[key].is_u64(), "{key}: {stat}");
        }
        let gfal = self.gfal("stat", &[&self.url("dm/file")]);
        assert!(
            gfal.contains("Size: 123457") && gfal.contains("regular file"),
            "{gfal}"
        );
        let mtime = mtime(&self.data.join("dm/file"));
        assert_eq!(stat["mtime"].as_u64(), Some(mtime), "{stat}");
        let stat = self.get("stat", &self.url("dm")).expect(200);
        assert_eq!(
            stat["mode"].as_u64().unwrap() & 0o170_000,
            0o040_000,
            "{stat}"
        );

        let list = self.get("list", &self.url("dm")).expect(200);
        let mut names: Vec<_> = list
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["a b%+ü&<x>", "file", "sub dir/"]);
        assert_eq!(list["file"]["size"], 123_457, "{list}");
        assert_eq!(list["file"]["mtime"].as_u64(), Some(mtime), "{list}");
        let gfal = self.gfal("ls", &[&self.url("dm")]);
        for name in names {
            assert!(
                gfal.lines().any(|line| line == name.trim_end_matches('/')),
                "{name}: {gfal}"
            );
        }
        assert_eq!(
            self.get("list", &self.url("dm/sub%20dir")).expect(200),
            json!({})
        );

        // The checksum the engine verifies with is gfal2's too.
        let sum = self.gfal("sum", &[&self.url("dm/file"), "ADLER32"]);
        assert!(sum.contains(&adler32(&bytes)), "{sum}");

        // Renamed, then removed; gfal2 sees each.
        let rename = json!({ "old": self.url("dm/file"), "new": self.url("dm/sub%20dir/moved") });
        done(self.post("rename", &rename));
        assert!(std::fs::read(self.data.join("dm/sub dir/moved")).unwrap() == bytes);
        assert_eq!(
            self.gfal("ls", &[&self.gfal_url("dm/sub%20dir")]).trim(),
            "moved"
        );
        assert!(
            self.get("stat", &self.url("dm/file"))
                .refused(404)
                .starts_with("[2] ")
        );
        let answer = self.change("rmdir", "dm");
        assert!(
            matches!(answer.status, 400 | 403 | 409 | 500),
            "a filled directory: {answer:?}"
        );
        assert!(self.data.join("dm/sub dir/moved").exists());
        done(self.change("unlink", "dm/sub%20dir/moved"));
        done(self.change("unlink", &format!("dm/{}", encode("a b%+ü&<x>"))));
        done(self.change("rmdir", "dm/sub%20dir"));
        done(self.change("rmdir", "dm"));
        assert!(!self.data.join("dm").exists());
        for operation in ["unlink", "rmdir"] {
            assert!(
                self.change(operation, "dm/gone")
                    .refused(404)
                    .starts_with("[2] "),
                "{operation}"
            );
        }
        let rename = json!({ "old": self.url("dm-gone"), "new": self.url("dm-new") });
        assert!(
            self.post("rename", &rename)
                .refused(404)
                .starts_with("[2] ")
        );
        assert!(
            self.get("list", &self.url("dm"))
                .refused(404)
                .starts_with("[2] ")
        );
    }
}

fn done(answer: Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.text.is_empty() || answer.text == "null",
        "{answer:?}"
    );
}

fn mtime(path: &Path) -> u64 {
    let time = std::fs::metadata(path).unwrap().modified().unwrap();
    time.duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[test]
fn xrootd_over_http() {
    let grid = Grid::start(GatewayOptions::default());
    let a = grid.server("xrdhttp");
    let place = Place {
        grid: &grid,
        base: a.value("URL").to_owned(),
        data: a.data(""),
    };
    place.walk();
    // Rights of the storage decide.
    for url in [a.url("forbidden/file"), a.url("forbidden")] {
        let answer = place.get("stat", &url);
        assert_eq!(answer.status, 403, "{url}: {answer:?}");
    }
    let answer = place.change("mkdir", "readonly/x");
    assert_eq!(answer.status, 403, "{answer:?}");
    let answer = place.change("unlink", "readonly/file");
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(a.data("readonly/file").exists());
    // A user with rights here and none there; a user who left no proxy; nobody.
    let path = format!("/dm/stat?surl={}", encode(&a.url("readonly/file")));
    let bob = grid.user("bob.proxy");
    assert_eq!(
        grid.gateway.rest(Some(&bob), "GET", &path, None).status,
        419
    );
    grid.delegate("bob.proxy");
    assert_eq!(
        grid.gateway.rest(Some(&bob), "GET", &path, None).status,
        403
    );
    assert!(matches!(
        grid.gateway.rest(None, "GET", &path, None).status,
        401 | 403
    ));
}

#[test]
fn local_files() {
    let grid = Grid::start(GatewayOptions::default());
    let data = grid.local("");
    let base = grid.local_url("").trim_end_matches('/').to_owned();
    let place = Place {
        grid: &grid,
        base,
        data,
    };
    place.walk();
    // Outside the roots there is nothing, by whichever name.
    std::os::unix::fs::symlink("/etc", grid.local("link")).unwrap();
    for url in [
        "file:///etc/hostname".to_owned(),
        place.url("../../../hostname"),
        place.url("%2e%2e/%2e%2e/pki/ca.pem"),
    ] {
        let answer = place.get("stat", &url);
        assert_eq!(answer.status, 400, "{url}: {answer:?}");
    }
    let answer = place.get("stat", &place.url("link/hostname"));
    assert!(matches!(answer.status, 400 | 403 | 404), "{answer:?}");
    assert!(matches!(
        place.change("unlink", "link/hostname").status,
        400 | 403 | 404
    ));
}

#[test]
fn what_is_missing_or_unknown_is_refused() {
    let grid = Grid::start(GatewayOptions::default());
    let n = grid.server("nginx-dav");
    let place = Place {
        grid: &grid,
        base: n.value("URL").to_owned(),
        data: n.data(""),
    };
    for (operation, body) in [
        ("mkdir", json!({})),
        ("unlink", json!({ "surl": null })),
        ("rmdir", json!({ "url": "x" })),
        ("rename", json!({ "old": n.url("file") })),
        ("rename", json!({ "new": n.url("file") })),
    ] {
        assert!(
            !place.post(operation, &body).refused(400).is_empty(),
            "{operation} {body}"
        );
    }
    assert!(!place.get("stat", "").refused(400).is_empty());
    let unknown = place.get("stat", "nosuchscheme://host/path");
    assert_eq!(unknown.status, 400, "{unknown:?}");
    // Answers of the storage by what they mean.
    let bad = |place: &str| n.url("").replace("/dav/", place);
    for (url, status) in [
        (bad("/fail/403"), 403),
        (bad("/fail/503"), 503),
        (bad("/fail/500"), 500),
        (n.url("gone"), 404),
    ] {
        let answer = place.get("stat", &url);
        assert_eq!(answer.status, status, "{url}: {answer:?}");
        assert!(
            answer.body["message"].as_str().unwrap().starts_with('['),
            "{answer:?}"
        );
    }
}
