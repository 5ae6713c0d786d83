//! Bodies of submissions that make no sense, as tables.

pub(crate) const SHAPE: &str = "Malformed request: ";
pub(crate) const VALUE: &str = "Invalid value within the request: ";
const MISSING: &str = "Missing parameter: ";

/// A body with one good file and these parameters.
pub(crate) fn params(text: &str) -> String {
    format!(
        r#"{{"files":[{{"sources":["mock://a/f"],"destinations":["mock://b/f"]}}],"params":{text}}}"#
    )
}

/// A body with one file that has these members besides good URLs.
pub(crate) fn file(text: &str) -> String {
    format!(r#"{{"files":[{{"sources":["mock://a/f"],"destinations":["mock://b/f"],{text}}}]}}"#)
}

/// A body with one source, as JSON text.
pub(crate) fn source(text: &str) -> String {
    format!(r#"{{"files":[{{"sources":[{text}],"destinations":["mock://b/f"]}}]}}"#)
}

pub(crate) fn no_json() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "nope",
        "{'files': []}",
        "{\"files\":}",
        "{\"files\": [}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{} {}",
        "{}x",
        "NaN",
        "{\"a\": NaN}",
        "{\"a\": Infinity}",
        "{\"a\": 01}",
        "{\"a\": +1}",
        "{\"a\": .5}",
        "{\"a\": \"\n\"}",
        "{\"a\": \"\\x\"}",
        "{\"a\": \"\\u12\"}",
        "{a: 1}",
        "<xml/>",
        "// {}",
        "/* */ {}",
        "{\"a\": tru}",
        "\u{feff}{}",
    ]
    .iter()
    .map(|it| it.as_bytes().to_vec())
    .collect();
    bodies.push(b"\xff\xfe{\x00}\x00".to_vec());
    bodies.push(b"{\"a\": \"\xc3\x28\"}".to_vec());
    bodies.push(b"{\"a\": \"\x00\"}".to_vec());
    bodies.push(b"\x00\x00\x00".to_vec());
    bodies.push(vec![b'['; 200_000]);
    bodies.push([b"{\"a\":".repeat(100_000), b"1".to_vec()].concat());
    bodies
}

pub(crate) fn no_object() -> Vec<String> {
    let mut bodies: Vec<String> = [
        "[]", "null", "1", "-0.5", "true", "\"text\"", "[{}]", " [ ] ",
    ]
    .map(str::to_owned)
    .into();
    bodies.push("[".repeat(100_000) + &"]".repeat(100_000));
    bodies
}

/// Status and beginning of the message by body.
pub(crate) fn rows() -> Vec<(String, &'static str)> {
    let mut rows: Vec<(String, &'static str)> = Vec::new();
    let mut add = |body: &str, message| rows.push((body.to_owned(), message));
    let nothing = "No transfers or namespace operations specified";
    add("{}", nothing);
    add(r#"{"params": {}}"#, nothing);
    add(r#"{"files": null}"#, nothing);
    add(r#"{"FILES": []}"#, nothing);
    add(
        r#"{"files": [], "delete": []}"#,
        "Simultaneous transfer and namespace operations not supported",
    );
    add(r#"{"files": []}"#, "No valid pairs available");
    add(r#"{"delete": []}"#, "No valid pairs available");
    add(
        r#"{"files": [{"sources": [], "destinations": ["mock://b/f"]}]}"#,
        "No valid pairs available",
    );
    add(
        r#"{"files": [{"sources": ["mock://b/f"], "destinations": []}]}"#,
        "No valid pairs available",
    );
    for text in [
        "{}", "1", "\"x\"", "true", "[1]", "[null]", "[[]]", "[\"x\"]",
    ] {
        add(&format!("{{\"files\": {text}}}"), SHAPE);
    }
    for text in ["{}", "1", "\"x\"", "[1]", "[null]", "[[]]"] {
        add(&format!("{{\"delete\": {text}}}"), SHAPE);
    }
    for text in ["[]", "1", "\"x\"", "true"] {
        add(&params(text), SHAPE);
    }
    add(r#"{"files": [{}]}"#, "Missing parameter: sources");
    add(
        r#"{"files": [{"sources": ["mock://a/f"]}]}"#,
        "Missing parameter: destinations",
    );
    add(
        r#"{"files": [{"sources": null, "destinations": null}]}"#,
        MISSING,
    );
    add(r#"{"delete": [{}]}"#, "Missing parameter: surl");
    add(r#"{"delete": [{"surl": 1}]}"#, VALUE);
    add(
        r#"{"files": [{"sources": "mock://a/f", "destinations": ["mock://b/f"]}]}"#,
        SHAPE,
    );
    add(
        r#"{"files": [{"sources": {}, "destinations": ["mock://b/f"]}]}"#,
        SHAPE,
    );
    for text in ["1", "null", "{}", "[]", "true", "\"\\ud800\""] {
        add(&source(text), SHAPE);
    }
    rows
}

/// URLs as JSON text, and what is wrong with them.
pub(crate) const URLS: &[(&str, &str)] = &[
    (r#""""#, "Missing scheme ()"),
    (r#""   ""#, "Missing scheme ()"),
    (r#""/local/path""#, "Missing scheme (/local/path)"),
    (r#""://host/path""#, "Missing scheme (://host/path)"),
    (r#""1a://host/path""#, "Missing scheme (1a://host/path)"),
    (r#""no colon""#, "Missing scheme (no colon)"),
    (r#""sch eme://h/p""#, "Missing scheme (sch eme://h/p)"),
    (r#""é://h/p""#, "Missing scheme (é://h/p)"),
    (r#""srm://host""#, "Missing path (srm://host)"),
    (r#""srm://host/""#, "Missing path (srm://host/)"),
    (r#""srm://host?x=1""#, "Missing path (srm://host?x=1)"),
    (r#""srm:""#, "Missing path (srm:)"),
    (r#""davs:///path""#, "Missing host (davs:///path)"),
    (r#""davs:/path""#, "Missing host (davs:/path)"),
    (r#""davs:path""#, "Missing host (davs:path)"),
    (r#""davs://:443/path""#, "Missing host (davs://:443/path)"),
    (r#""davs://user@/path""#, "Missing host (davs://user@/path)"),
    (
        r#""local:///etc/shadow""#,
        "Can not transfer local files (local:///etc/shadow)",
    ),
    (r#""mock://a/\u0000""#, "Control character in URL"),
    (r#""mock://a/\r\nHost: x""#, "Control character in URL"),
    (r#""mock://a/\u007f""#, "Control character in URL"),
    (r#""\u0085mock://a/f\u0001""#, "Control character in URL"),
];

/// Parameters, and what the message says behind its beginning.
pub(crate) const PARAMS: &[(&str, &str)] = &[
    (r#"{"retry": "x"}"#, "retry must be an integer"),
    (r#"{"retry": 1.5}"#, "retry must be an integer"),
    (r#"{"retry": true}"#, "retry must be an integer"),
    (r#"{"retry": []}"#, "retry must be an integer"),
    (r#"{"retry": 99999999999}"#, "retry is out of range"),
    (r#"{"retry": 1e400}"#, "retry must be an integer"),
    (
        r#"{"bring_online": "soon"}"#,
        "bring_online must be an integer",
    ),
    (
        r#"{"bring_online": 99999999999999999999}"#,
        "bring_online must be an integer",
    ),
    (
        r#"{"copy_pin_lifetime": "x"}"#,
        "copy_pin_lifetime must be an integer",
    ),
    (
        r#"{"copy_pin_lifetime": -2}"#,
        "copy_pin_lifetime must be at least -1",
    ),
    (
        r#"{"archive_timeout": "x"}"#,
        "archive_timeout must be an integer",
    ),
    (r#"{"priority": "high"}"#, "priority must be an integer"),
    (r#"{"nostreams": 99999999999}"#, "nostreams is out of range"),
    (r#"{"max_time_in_queue": "x"}"#, "max_time_in_queue must be"),
    (
        r#"{"max_time_in_queue": 9223372036854775807}"#,
        "max_time_in_queue must be",
    ),
    (
        r#"{"max_time_in_queue": "9223372036854775807d"}"#,
        "max_time_in_queue must be",
    ),
    (r#"{"verify_checksum": []}"#, "verify_checksum must be"),
    (r#"{"verify_checksum": {}}"#, "verify_checksum must be"),
    (r#"{"overwrite": []}"#, "overwrite must be a boolean"),
    (r#"{"reuse": {}}"#, "reuse must be a boolean"),
    (r#"{"spacetoken": 1}"#, "spacetoken must be a string"),
    (
        r#"{"source_spacetoken": []}"#,
        "source_spacetoken must be a string",
    ),
    (r#"{"target_qos": 5}"#, "target_qos must be a string"),
    (
        r#"{"target_qos": "\ud800"}"#,
        "a string is not valid Unicode",
    ),
];

/// Members of a file, and what the message says behind its beginning.
pub(crate) const FILES: &[(&str, &str)] = &[
    (r#""filesize": -1"#, "filesize must be a number"),
    (r#""filesize": "big""#, "filesize must be a number"),
    (r#""filesize": []"#, "filesize must be a number"),
    (r#""filesize": true"#, "filesize must be a number"),
    (r#""filesize": 1e300"#, "filesize must be a number"),
    (r#""checksum": 1"#, "checksum must be a string"),
    (r#""checksum": {}"#, "checksum must be a string"),
    (r#""activity": []"#, "activity must be a string"),
    (r#""priority": "x""#, "priority must be an integer"),
    (
        r#""scitag": 1"#,
        "Invalid SciTag value: 1 (not in [65, 65535] range)",
    ),
    (r#""scitag": 65536"#, "Invalid SciTag value: 65536"),
    (r#""scitag": "x""#, "Invalid SciTag value"),
    (
        r#""staging_metadata": "x""#,
        "Staging metadata not in JSON format",
    ),
    (
        r#""archive_metadata": []"#,
        "Archive metadata not in JSON format",
    ),
];

/// Bodies with messages that stand alone.
pub(crate) fn plain() -> Vec<(String, &'static str)> {
    let two = |rest: &str| {
        format!(
            r#"{{"files":[{{"sources":["mock://a/1","mock://b/1"],"destinations":["mock://c/1"]}}{rest}}}"#
        )
    };
    let metadata = "Metadata must be a dictionary or a string";
    vec![
        (params(r#"{"job_metadata": 1}"#), metadata),
        (params(r#"{"job_metadata": []}"#), metadata),
        (file(r#""metadata": true"#), metadata),
        (params(r#"{"id_generator": "deterministic"}"#), "Need sid for deterministic job id generation"),
        (params(r#"{"id_generator": "deterministic", "sid": ""}"#), "Need sid"),
        (params(r#"{"overwrite": true, "overwrite_on_retry": true}"#), "Incompatible overwrite flags used at the same time"),
        (params(r#"{"overwrite_hop": true}"#), "'overwrite-hop' requires multihop job submission"),
        (
            params(r#"{"overwrite_when_only_on_disk": true}"#),
            "'overwrite-when-only-on-disk' requires 'archive-timeout' to be set",
        ),
        (two(r#"],"params":{"reuse":true}"#), "Can not specify reuse and multiple replicas at the same time"),
        (two(r#"],"params":{"multihop":true}"#), "Can not specify reuse and multiple replicas at the same time"),
        (
            two(r#",{"sources":["mock://a/2"],"destinations":["mock://c/2"]}]"#),
            "Multiple replicas jobs can only have one unique file",
        ),
        (
            r#"{"files":[{"sources":["mock://a/1"],"destinations":["mock://c/1"]},
                {"sources":["mock://b/2"],"destinations":["mock://c/2"]}],"params":{"reuse":true}}"#
                .to_owned(),
            "Reuse jobs can only contain transfers for the same source and destination storage",
        ),
        (
            r#"{"files":[{"sources":["mock://a/1","mock://b/1"],"destinations":["mock://c/1"],"selection_strategy":"magic"}]}"#
                .to_owned(),
            "Invalid value within the request: magic algorithm is not supported by Scheduler",
        ),
        (
            file(&format!(r#""metadata": {{"a":"{}"}}"#, "x".repeat(2000))),
            "Invalid value within the request: File metadata exceeds size limit of 1024",
        ),
        (
            source(&format!("\"mock://a/{}\"", "x".repeat(9000))),
            "Invalid value within the request: URL longer than 8192 characters",
        ),
        (
            file(&format!("\"metadata\": {}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000))),
            "Invalid value within the request: File metadata exceeds size limit of 1024",
        ),
        (
            format!("{{{}\"files\":[]}}", (0..2000).map(|n| format!("\"{n}\":0,")).collect::<String>()),
            "Malformed request: too many members",
        ),
    ]
}
