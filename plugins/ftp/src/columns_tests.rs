//! Lines of LIST as servers write them.

use proptest::prelude::*;

use super::*;

#[test]
fn forms_of_real_servers() {
    use EntryKind::*;
    for (line, kind, size, mode, name) in [
        // vsftpd, proftpd, pure-ftpd
        (
            "-rw-r--r--    1 1000     1000        12345 Nov 22 18:27 a file",
            File,
            Some(12345),
            Some(0o100_644),
            "a file",
        ),
        (
            "drwxr-xr-x    2 ftp      ftp          4096 Jan  3  2020 dir",
            Directory,
            None,
            Some(0o040_755),
            "dir",
        ),
        (
            "lrwxrwxrwx 1 a b 7 Feb 29 2024 link -> /to/x",
            Symlink,
            None,
            Some(0o120_777),
            "link",
        ),
        (
            "-rw-r--r-- 1 a b 5 Nov 22 18:27  two  blanks ",
            File,
            Some(5),
            Some(0o100_644),
            " two  blanks ",
        ),
        // with an ACL mark, a group with a blank, and without a group
        (
            "-rwsr-x--T+ 1 a b 5 Nov 22 18:27 x",
            File,
            Some(5),
            Some(0o100_750),
            "x",
        ),
        (
            "-rw-rw-rw- 1 DOM\\user Domain Users 99 Mar 1 1999 x",
            File,
            Some(99),
            Some(0o100_666),
            "x",
        ),
        (
            "-rw-rw-rw- 1 owner 99 Mar 1 1999 x",
            File,
            Some(99),
            Some(0o100_666),
            "x",
        ),
        // other orders of the date
        (
            "-rw-r--r-- 1 a b 5 22 nov 18:27 x",
            File,
            Some(5),
            Some(0o100_644),
            "x",
        ),
        (
            "-rw-r--r-- 1 a b 5 2026-11-22 18:27 x",
            File,
            Some(5),
            Some(0o100_644),
            "x",
        ),
        // a device has two numbers
        (
            "crw-rw-rw- 1 root root 1, 3 Nov 22 18:27 null",
            Other,
            None,
            None,
            "null",
        ),
        // IIS
        (
            "11-22-26  06:27PM       <DIR>          Some dir",
            Directory,
            None,
            None,
            "Some dir",
        ),
        (
            "11-22-2026  18:27               1,234 a file.txt",
            File,
            Some(1234),
            None,
            "a file.txt",
        ),
        (
            "11-22-26  06:27AM                  77  leading",
            File,
            Some(77),
            None,
            " leading",
        ),
        (
            "11-22-26  06:27AM       <JUNCTION>     old [C:\\new]",
            Symlink,
            None,
            None,
            "old",
        ),
    ] {
        let Line::Entry(stat, found) = read(line) else {
            panic!("{line}")
        };
        assert_eq!(
            (stat.kind, stat.size, stat.mode, found),
            (kind, size, mode, name),
            "{line}"
        );
        assert_eq!(stat.mtime, None);
    }
}

#[test]
fn other_lines() {
    for line in ["", "   ", "total 12", "Total 0"] {
        assert_eq!(read(line), Line::Nothing, "{line}");
    }
    for line in [
        "hello",
        "-rw",
        "drwxr-xr-x 2 a b",
        "11-22-26 x",
        "-rw-r--r-- 1 a b 5 Nov 22 18:27 ",
        "total eclipse",
    ] {
        assert_eq!(read(line), Line::Unknown, "{line}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_fall(line in "\\PC*", unix in "[-dl]rwxr-xr-x.*", dos in "[0-9]{2}-[0-9]{2}-[0-9]{2}.*") {
        for line in [line, unix, dos] {
            read(&line);
        }
    }

    #[test]
    fn names_come_out_as_they_went_in(name in "[^\\r\\n]{0,20}[^\\r\\n\\s]") {
        let line = format!("-rw-r--r--    1 1000     1000        12345 Nov 22 18:27 {name}");
        let Line::Entry(_, found) = read(&line) else { panic!("{line}") };
        prop_assert_eq!(found, name);
    }
}
