//! An `Authorization` header that a person's key signs, made with `openssl` as a browser would.

use std::path::Path;
use std::time::Duration;

use crate::Identity;
use crate::programs::{clean, expect};

const LIMIT: Duration = Duration::from_secs(60);

/// The header's value, for now, by a person with a proxy of theirs. `dir` is for files on the way.
pub fn signed_header(dir: &Path, person: &Identity, proxy: &Identity) -> String {
    let der = |from: &Path, name: &str| {
        let to = dir.join(name);
        let mut openssl = clean("openssl");
        openssl.args(["x509", "-outform", "der", "-in"]).arg(from);
        expect(openssl.arg("-out").arg(&to), LIMIT);
        std::fs::read(to).expect("openssl wrote it")
    };
    let certificate = der(&person.cert, "cert.der");
    let proxy = der(&proxy.cert, "proxy.der");
    let mut date = clean("date");
    let time = expect(date.args(["-u", "+%Y-%m-%dT%H:%M:%S.000Z"]), LIMIT);
    let time = time.trim();
    let message = dir.join("message");
    std::fs::write(&message, [&proxy, time.as_bytes()].concat()).expect("the message is written");
    let signature = dir.join("signature");
    let mut openssl = clean("openssl");
    openssl.args(["dgst", "-sha256", "-sign"]).arg(&person.key);
    expect(openssl.arg("-out").arg(&signature).arg(&message), LIMIT);
    let signature = std::fs::read(signature).expect("openssl wrote it");
    let [cert, prx, sign] = [&certificate, &proxy, &signature].map(|it| base64(it));
    format!(r#"Signed-Cert hash="sha256", ts="{time}", cert="{cert}", prx="{prx}", sign="{sign}""#)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
