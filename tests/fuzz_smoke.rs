//! The fuzz targets on any compiler: a few thousand inputs each, the same ones every time.
//!
//! Half of the inputs are damaged copies of good ones, because bytes out of nowhere seldom come
//! further than the first check. `tests/fuzz/README.md` says how to search for longer.

#[path = "fuzz/src/lib.rs"]
#[allow(
    unreachable_pub,
    reason = "a library of its own when libFuzzer runs it"
)]
mod targets;

use causeway_identity::dn;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

const INPUTS: usize = 4000;

/// Calls a target with the good inputs, damaged copies of them, and noise. Some of what is damaged
/// must still be accepted: otherwise nothing came further than the first check.
fn drive(target: fn(&[u8]) -> bool, good: &[Vec<u8>], words: &[&str]) {
    let mut rng = StdRng::seed_from_u64(0x5eed);
    assert!(target(&good[0]), "the first input is a good one");
    let mut accepted = good.iter().filter(|input| target(input)).count();
    for number in 0..INPUTS {
        let input = match number % 4 {
            0 => noise(&mut rng),
            1 => words_and_noise(&mut rng, words),
            _ => {
                let input = good[rng.random_range(0..good.len())].clone();
                damaged(&mut rng, input, words)
            }
        };
        accepted += usize::from(target(&input));
    }
    println!("accepted {accepted} of {INPUTS}");
    assert!(accepted > INPUTS / 200, "only {accepted} were accepted");
}

fn noise(rng: &mut StdRng) -> Vec<u8> {
    let length = rng.random_range(0..300);
    (0..length).map(|_| rng.random()).collect()
}

fn words_and_noise(rng: &mut StdRng, words: &[&str]) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..rng.random_range(1..24) {
        match rng.random_ratio(1, 6) {
            true => input.push(rng.random()),
            false => input.extend_from_slice(words[rng.random_range(0..words.len())].as_bytes()),
        }
    }
    input
}

/// One to six changes: a byte, a piece taken out, a piece twice, a word put in, the end cut off.
fn damaged(rng: &mut StdRng, mut input: Vec<u8>, words: &[&str]) -> Vec<u8> {
    for _ in 0..rng.random_range(1..=6) {
        if input.is_empty() {
            return input;
        }
        let at = rng.random_range(0..input.len());
        let end = rng.random_range(at..=input.len().min(at + 40));
        match rng.random_range(0..6) {
            0 => input[at] = rng.random(),
            1 => input[at] ^= 1 << rng.random_range(0..8),
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            4 => {
                let word = words[rng.random_range(0..words.len())];
                input.splice(at..end, word.bytes());
            }
            _ => input.truncate(input.len() - (input.len() - at) / 8),
        }
    }
    input
}

#[test]
fn submissions() {
    let good = [
        json!({
            "files": [{"sources": ["mock://a/f", "mock://c/f"], "destinations": ["mock://b/f"],
                       "filesize": 1, "checksum": "ADLER32:00000001", "activity": "default",
                       "selection_strategy": "auto", "metadata": {"a": "\u{1F600}"}}],
            "params": {"retry": 1, "sid": "x", "id_generator": "deterministic", "overwrite": true,
                       "verify_checksum": "both", "multihop": false, "reuse": null,
                       "job_metadata": {"issuer": "me"}, "max_time_in_queue": "2h"},
        }),
        json!({
            "files": [{"sources": ["mock://a/f"], "destinations": ["mock://b/f"]},
                      {"sources": ["mock://b/f"], "destinations": ["unserved://c/f"]}],
            "params": {"multihop": true, "bring_online": 60, "copy_pin_lifetime": -1},
        }),
        json!({"delete": ["mock://a/f", {"surl": "mock://a/g", "metadata": "x"}]}),
        json!({"Files": [], "params": {"priority": 3}}),
    ];
    let words = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "true",
        "-1",
        "1e309",
        "99999999999999999999",
        "\"\"",
        "\"files\":",
        "\"sources\":",
        "\"destinations\":",
        "\"params\":",
        "\"delete\":",
        "\"retry\":",
        "\"filesize\":",
        "\"checksum\":",
        "\"multihop\":",
        "\"mock://a/f\"",
        "\"unserved://x/\"",
        "\"\\ud800\"",
        "\\u0000",
    ];
    drive(
        targets::submit::run,
        &good.map(|it| it.to_string().into_bytes()),
        &words,
    );
}

#[test]
fn urls() {
    let good = [
        "davs://user:word@se.example.org:443/vo//file%20name?a=1&b=%zz&a=#x",
        "mock://[2001:db8::1]:1094//eos/vo/data",
        "file:///a/b/c/",
        "a:b/c?d",
        "x-y.z+1://@:0?",
    ];
    let words = [
        "/", "//", ":", "?", "@", "[", "]", "&", "=", "%", "%2f", "#", "a", "é", "\u{7f}", "mock:",
    ];
    drive(
        targets::url::run,
        &good.map(|it| it.as_bytes().to_vec()),
        &words,
    );
}

#[test]
fn names() {
    let slash = "/DC=ch/DC=cern/OU=Users/CN=host/a.b.c/emailAddress=me@cern.ch";
    let comma = "CN=Test \\2C User\\, \"x, y\"+UID=7, O=\"a, b\"; DC=cern, DC=ch";
    let good = [
        dn::encode(slash).expect("a good name"),
        dn::encode("/C=NL/2.5.4.97=x/CN=\u{e9}").expect("a good name"),
        slash.as_bytes().to_vec(),
        comma.as_bytes().to_vec(),
    ];
    let words = [
        "/",
        ",",
        ";",
        "+",
        "=",
        "\\",
        "\"",
        " ",
        "CN=",
        "/DC=",
        "1.2.3=",
        "\\x41",
        "é",
        "#0403",
        "0\u{2}",
        "1\u{1}",
        "\u{6}\u{3}U\u{4}\u{3}",
    ];
    drive(targets::dn::run, &good, &words);
}

#[test]
fn chains() {
    let pem = targets::proxy_chain::seed();
    let twice = [pem.clone(), pem.clone()].concat();
    let backwards = {
        let text = String::from_utf8(pem.clone()).expect("a text");
        let mut blocks: Vec<&str> = text
            .split_inclusive("-----END CERTIFICATE-----\n")
            .collect();
        blocks.reverse();
        blocks.concat().into_bytes()
    };
    let words = [
        "-----BEGIN CERTIFICATE-----\n",
        "-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "MII",
        "AA",
        "//",
        "==",
        "\n",
        "\r\n",
        "-",
    ];
    drive(targets::proxy_chain::run, &[pem, twice, backwards], &words);
}

#[test]
fn gridftp_replies() {
    let good = [
        "229-Entering Striped Passive Mode.\r\n 127,0,0,1,88,245\r\n |2|::1|9|\r\n229 End\r\n",
        "227 Entering Passive Mode (127,0,0,1,88,245)\r\n",
        "229 Entering Extended Passive Mode (|||22758|)\r\n",
        "250-status of /f\r\n Type=file;Modify=20261122005605;Size=20;UNIX.mode=0644; /f\r\n250 End.\r\n",
        "550-GlobusError: v=1 c=PATH_NOT_FOUND\r\n550-GridFTP-Errno: 2\r\n550 End.\r\n",
    ];
    let words = [
        "229-",
        "229 ",
        "550 ",
        "\r\n",
        "\n",
        " ",
        ",",
        "|",
        "(",
        ")",
        "0",
        "255",
        "65536",
        "::1",
        "Type=dir;",
        ";",
        "=",
    ];
    drive(
        targets::gridftp_reply::run,
        &good.map(|it| it.as_bytes().to_vec()),
        &words,
    );
}

#[test]
fn gridftp_markers() {
    let good = [
        "\u{1}112-Perf Marker\n Timestamp:  17953.8\n Stripe Index: 0\n Stripe Bytes Transferred: 7\n Total Stripe Count: 1\n112 End.",
        "\u{2}0-9,10-20\0\u{2}Range Marker 0-5\0\u{2}Range Marker 0-1000,2000-3000",
    ];
    let words = [
        "Range Marker ",
        "0-1000",
        "-",
        ",",
        ":",
        "\0",
        "\n",
        "Stripe Index: 0\n",
        "112 ",
        "Stripe Bytes Transferred: ",
        "Total Stripe Count: ",
        "Timestamp: ",
        "18446744073709551615",
    ];
    drive(
        targets::gridftp_marker::run,
        &good.map(|it| it.as_bytes().to_vec()),
        &words,
    );
}

#[test]
fn gridftp_blocks() {
    let header = |descriptor: u8, count: u64, offset: u64| {
        let mut bytes = vec![descriptor];
        bytes.extend(count.to_be_bytes());
        bytes.extend(offset.to_be_bytes());
        bytes
    };
    let file = |order: u8, starts: &[u64]| {
        let mut bytes = vec![order];
        for start in starts {
            bytes.extend(header(0, 16, *start));
            bytes.extend([7; 16]);
        }
        bytes.extend(header(0x48, 0, 1));
        bytes
    };
    let good = [
        file(0, &[48, 0, 32, 16]),
        file(1, &[0, 16, 32, 48]),
        file(2, &[48, 32, 16, 0]),
    ];
    let words = [
        "\0\0\0\0\0\0\0\u{10}",
        "\u{8}",
        "\u{40}",
        "\u{48}",
        "\0\0\0\0",
        "@",
        "\u{1}",
    ];
    drive(targets::gridftp_blocks::run, &good, &words);
}
