//! Names on a storage.

use crate::openapi::doc::{Doc, Group, get, post};
use crate::openapi::kind::object;

pub(super) fn group() -> Group {
    let surl = |doc: Doc| fails(doc.body("Surl", "The URL."));
    Group {
        id: "datamanagement",
        about: "Names on a storage, with the caller's delegated credential.",
        docs: vec![
            fails(get("/dm/list", "List a directory").needs(
                "surl",
                "string",
                "URL of the directory.",
            ))
            .ok("{Entry}", "By name; names of directories end in a slash."),
            fails(get("/dm/stat", "Look at a file or directory").needs("surl", "string", "URL."))
                .ok("Stat", "What is known of it."),
            surl(post("/dm/mkdir", "Make a directory"))
                .about("Directories above it are not made.")
                .ok("null", "Done."),
            surl(post("/dm/unlink", "Remove a file")).ok("null", "Done."),
            surl(post("/dm/rmdir", "Remove an empty directory")).ok("null", "Done."),
            fails(post("/dm/rename", "Rename within a storage").body("Rename", "Both URLs."))
                .about("What has the new name already is not replaced.")
                .ok("null", "Done."),
        ],
        models: vec![
            ("Surl", object(&[("surl!", "string", "URL.")])),
            (
                "Rename",
                object(&[("old!", "string", "URL."), ("new!", "string", "URL.")]),
            ),
            (
                "Entry",
                object(&[
                    ("size!", "integer", "Bytes."),
                    ("mode!", "integer", "Type and permissions, as in POSIX."),
                    ("mtime!", "integer", "Epoch second."),
                ]),
            ),
            (
                "Stat",
                object(&[
                    ("mode!", "integer", "Type and permissions, as in POSIX."),
                    ("nlink!", "integer", ""),
                    ("size!", "integer", "Bytes."),
                    ("atime!", "integer", "Epoch second."),
                    ("mtime!", "integer", "Epoch second."),
                    ("ctime!", "integer", "Epoch second."),
                ]),
            ),
        ],
    }
}

/// What a storage may answer. The message begins with the error number in brackets.
fn fails(doc: Doc) -> Doc {
    doc.fails(
        400,
        "The URL makes no sense or nothing serves it, or it is no directory.",
    )
    .fails(
        403,
        "The storage refuses, or there is no right to manage data.",
    )
    .fails(404, "The storage has no such name.")
    .fails(419, "There is no delegated credential, or it has expired.")
    .fails(500, "The storage failed.")
    .fails(
        503,
        "The storage is busy or does not answer: try again later.",
    )
}
