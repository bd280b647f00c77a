//! What goes wrong outside of the data: packed files that are damaged, strange files, inputs that change.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::reader::Reader;
use super::reader::tests::{All, Folder, drain, pack, read, read_one, settings};
use super::{Inputs, OwnedBody, ReadSettings, unit_at};
use crate::Error;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn reasons(all: &All) -> Vec<(String, &'static str)> {
    let rejected = |unit: &super::OwnedUnit| match &unit.body {
        OwnedBody::Rejected { rejection, .. } => Some((unit.origin().to_string(), rejection.reason)),
        _ => None,
    };
    all.units.iter().filter_map(rejected).collect()
}

fn json_lines(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|index| format!("{{\"n\": {index}, \"x\": \"{}\"}}\n", index * 7919 % 10007).into_bytes())
        .collect()
}

#[test]
fn damaged_packed_files_give_what_came_before_and_one_rejected_unit() {
    let text = json_lines(60_000);
    for how in [1, 2] {
        let packed = pack(&text, how);
        let cut = &packed[..packed.len() * 3 / 4];
        let mut flipped = packed.clone();
        let middle = flipped.len() * 3 / 4;
        flipped[middle..middle + 64].fill(0xAA);
        let mut followed = packed.clone();
        followed.extend_from_slice(b"more");
        for (bytes, least, name) in
            [(cut, 30_000, "cut off"), (&flipped, 30_000, "flipped"), (&followed, 60_000, "followed")]
        {
            let all = read_one("a.jsonl", bytes, 1 << 20, &[1 << 21, 50_000]);
            let (last, good) = all.units.split_last().unwrap();
            assert!(good.len() >= least, "{name} {how}: {}", good.len());
            // Deflate notices damage only some symbols later, so that a few lines before the end are garbage.
            let trusted = if name == "flipped" { least } else { good.len() };
            for (unit, line) in good[..trusted].iter().zip(text.split(|&byte| byte == b'\n')) {
                assert_eq!(unit.body, OwnedBody::Json(line.to_vec()), "{name} {how}");
            }
            let OwnedBody::Rejected { rejection, .. } = &last.body else { panic!("{name} {how}: {last:?}") };
            assert_eq!(rejection.reason, "read.corrupt", "{name} {how}");
            assert!(rejection.detail.contains("at byte"), "{}", rejection.detail);
        }
        let mut padded = packed.clone();
        padded.extend_from_slice(&[0; 700]);
        let all = read_one("a.jsonl", &padded, 1 << 20, &[1 << 21]);
        assert_eq!(reasons(&all).len(), usize::from(how == 2), "zeros after gzip are padding");
    }
}

#[test]
fn a_packed_array_or_text_that_is_cut_off_is_not_taken_for_whole() {
    let text = [
        b"[".as_slice(),
        &json_lines(3000).iter().map(|&b| if b == b'\n' { b',' } else { b }).collect::<Vec<_>>(),
        b"{}]",
    ]
    .concat();
    let packed = pack(&text, 1);
    let all = read_one("a.json", &packed[..packed.len() - 600], 1 << 20, &[1 << 21, 5000]);
    assert!(all.units.len() > 1500);
    assert_eq!(reasons(&all).iter().map(|reason| reason.1).collect::<Vec<_>>(), ["read.corrupt"]);
    let prose = pack("All happy families are alike. ".repeat(4000).as_bytes(), 1);
    let all = read_one("a.txt", &prose[..prose.len() - 20], 1 << 20, &[1 << 21]);
    assert_eq!(reasons(&all), [("F".to_owned(), "read.corrupt")]);
}

#[test]
fn lines_above_64_mib_and_bombs_never_enter_memory_whole() {
    let limit = ReadSettings::default().max_unit_bytes as usize;
    let folder = Folder::new();
    let mut text = b"{\"a\": 1}\n{\"a\": \"".to_vec();
    text.resize(text.len() + limit - 8, b'x');
    text.extend_from_slice(b"\"}\n{\"a\": 2}\n");
    let path = folder.file("a.jsonl", &text);
    let packed = folder.file("b.jsonl.zst", &zstd::encode_all(&text[..], 1).unwrap());
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    bomb.write_all(b"[{\"a\": 1}, {\"a\": \"").unwrap();
    for _ in 0..300 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = folder.file("c.json", &bomb.finish().unwrap());
    for (path, length) in [(&path, limit as u64 + 1), (&packed, limit as u64 + 1), (&bomb, (300 << 20) + 7)] {
        let inputs = Inputs::discover(std::slice::from_ref(path), &ReadSettings::default()).unwrap();
        let all = drain(Reader::new(Arc::new(inputs), &ReadSettings::default()).unwrap()).unwrap();
        let OwnedBody::Rejected { rejection, head, length: found, .. } = &all.units[1].body else { panic!("{path}") };
        assert_eq!((rejection.reason, head.len(), *found), ("read.too_long", 4096, length), "{path}");
        assert!(all.units.len() == 3);
    }
}

#[test]
fn folders_are_read_in_order_and_list_what_cannot_be_read() {
    let folder = Folder::new();
    let root = folder.0.to_str().unwrap().to_owned();
    for (name, bytes) in [
        ("b/2.jsonl", b"{\"n\": 2}\n{\"n\": 3}\n".as_slice()),
        ("a.jsonl", b"{\"n\": 1}\n{}\n"),
        ("b.jsonl", b"{}\n{}\n"),
        (".hidden/x.txt", b"hidden"),
        (".git/config", b"never"),
        ("page.html", b"<html></html>"),
    ] {
        folder.file(name, bytes);
    }
    symlink("..", folder.0.join("b/loop")).unwrap();
    symlink("nowhere", folder.0.join("dangling")).unwrap();
    symlink("a.jsonl", folder.0.join("same.jsonl")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.0.join("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.0.join("pipe")).status();
    let all = read(std::slice::from_ref(&root), &settings(1 << 20), 1 << 21);
    let origins: Vec<String> = all.units.iter().map(|unit| unit.origin().to_string().replace(&root, "R")).collect();
    let mut expected = vec![
        "R/.hidden/x.txt",
        "R/a.jsonl:1",
        "R/a.jsonl:2",
        "R/b.jsonl:1",
        "R/b.jsonl:2",
        "R/b/2.jsonl:1",
        "R/b/2.jsonl:2",
        "R/b/loop",
        "R/dangling",
        "R/page.html",
        "R/pipe",
        "R/socket",
    ];
    if !made.is_ok_and(|status| status.success()) {
        // No mkfifo on this machine: the socket stands for the other special files.
        expected.retain(|origin| *origin != "R/pipe");
    }
    assert_eq!(origins, expected);
    let listed: Vec<_> = reasons(&all).into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(listed[..3], ["read.unsupported", "read.unreadable", "read.unsupported"]);
    let inputs = Inputs::discover(&[root.clone(), format!("{root}/a.jsonl")], &settings(4096)).unwrap();
    let notes: Vec<_> = inputs.notes.iter().map(|note| (note.code.as_str(), note.path.replace(&root, "R"))).collect();
    let repeated = |path: &str| ("read.repeated", path.to_owned());
    assert_eq!(notes, [("read.skipped", "R/.git".to_owned()), repeated("R/same.jsonl"), repeated("R/a.jsonl")]);
}

#[test]
fn globs_and_wrong_arguments() {
    let folder = Folder::new();
    let root = folder.0.to_str().unwrap().to_owned();
    for name in ["a1.jsonl", "a2.jsonl", "b.txt", "deep/a3.jsonl", "lit[e]ral.txt"] {
        folder.file(name, b"{}\n{}\n");
    }
    let found = |argument: &str| -> Result<Vec<String>, Error> {
        let inputs = Inputs::discover(&[format!("{root}/{argument}")], &settings(4096))?;
        Ok(inputs.files.iter().map(|file| file.path[root.len() + 1..].to_owned()).collect())
    };
    assert_eq!(found("a*.jsonl").unwrap(), ["a1.jsonl", "a2.jsonl"]);
    assert_eq!(found("**/a?.jsonl").unwrap(), ["a1.jsonl", "a2.jsonl", "deep/a3.jsonl"]);
    assert_eq!(found("{b,x}.txt").unwrap(), ["b.txt"]);
    assert_eq!(found("d*").unwrap(), ["deep/a3.jsonl"]);
    assert_eq!(found("lit[e]ral.txt").unwrap(), ["lit[e]ral.txt"]);
    for wrong in ["missing", "no*match", "a1.jsonl/x"] {
        let problem = found(wrong).unwrap_err();
        assert!(problem.to_string().starts_with(&format!("{root}/{wrong}: ")), "{problem}");
    }
    let device = Inputs::discover(&["/dev/zero".to_owned()], &settings(4096)).unwrap_err();
    assert_eq!(device.to_string(), "/dev/zero: is a device, expected a file or a folder");
}

#[test]
fn names_that_are_not_utf8_are_shown_and_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    for name in [b"caf\xe9.jsonl".as_slice(), b"caf\\xe9.jsonl"] {
        std::fs::write(folder.0.join(std::ffi::OsStr::from_bytes(name)), b"{\"n\": 1}\n{}\n").unwrap();
    }
    let root = folder.0.to_str().unwrap().to_owned();
    let all = read(std::slice::from_ref(&root), &settings(4096), 1 << 21);
    let origins: Vec<_> = all.units.iter().map(|unit| unit.origin().to_string()[root.len()..].to_owned()).collect();
    assert_eq!(origins, ["/caf\\\\xe9.jsonl:1", "/caf\\\\xe9.jsonl:2", "/caf\\xe9.jsonl:1", "/caf\\xe9.jsonl:2"]);
}

#[test]
fn inputs_that_change_are_refused_by_name() {
    let folder = Folder::new();
    let text = json_lines(300_000);
    let first = folder.file("1.jsonl", &text);
    let second = folder.file("2.jsonl", b"{\"a\": 1}\n{}\n");
    let arguments = [first.clone(), second.clone()];
    let settings = settings(1 << 20);
    let inputs = Arc::new(Inputs::discover(&arguments, &settings).unwrap());
    let mut reader = Reader::new(Arc::clone(&inputs), &settings).unwrap();
    let cursor = reader.next_batch().unwrap().unwrap().end.clone();

    // Cut off while it is read.
    std::fs::OpenOptions::new().write(true).open(&first).unwrap().set_len(text.len() as u64 - 5).unwrap();
    let problem = drain(reader).err().unwrap().to_string();
    assert!(problem.starts_with(&format!("{first}: changed since the run began: had ")), "{problem}");
    let now = Inputs::discover(&arguments, &settings).unwrap();
    assert!(now.unchanged(&inputs, &[], &cursor).unwrap_err().to_string().starts_with(&first));

    // Written again with the same bytes: may go on. With others before the cursor: not.
    std::fs::write(&first, &text).unwrap();
    let now = Arc::new(Inputs::discover(&arguments, &settings).unwrap());
    now.unchanged(&inputs, &[], &cursor).unwrap();
    let rest = drain(Reader::resume(Arc::clone(&now), &settings, &cursor).unwrap()).unwrap();
    assert_eq!(rest.accounts.len(), 2);
    let mut other = text.clone();
    other[7] = b'9';
    std::fs::write(&first, &other).unwrap();
    let now = Arc::new(Inputs::discover(&arguments, &settings).unwrap());
    let problem = Reader::resume(Arc::clone(&now), &settings, &cursor).err().unwrap();
    assert_eq!(
        problem.to_string(),
        format!("{first}: changed since the run began: what was read of it is different now")
    );

    // A finished file is compared with its account; a new file is named.
    let done = super::Cursor { seq: 9, file: 2, position: None };
    let problem = now.unchanged(&inputs, &rest.accounts, &done).unwrap_err();
    assert_eq!(problem.to_string(), format!("{first}: changed since the run began: its content is not what was read"));
    std::fs::remove_file(&second).unwrap();
    let mut reader = Reader::new(now, &settings).unwrap();
    let problem = loop {
        match reader.next_batch() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the file is gone"),
            Err(problem) => break problem,
        }
    };
    assert_eq!(problem.to_string(), format!("{second}: changed since the run began: does not exist any more"));
}

#[test]
fn a_unit_is_found_by_its_origin() {
    let folder = Folder::new();
    let lines = folder.file("a:1.jsonl", &json_lines(200_000));
    let map = folder.file("m.json", b"{\"x#1\": {\"a\": 1}, \"7\": {\"a\": 2}}");
    let text = folder.file("t.txt", b"some prose");
    let settings = settings(1 << 20);
    let inputs = Inputs::discover(&[lines.clone(), map.clone(), text.clone()], &settings).unwrap();
    let body = |origin: String| {
        unit_at(&inputs, &settings, &origin).unwrap().map(|unit| (unit.origin().to_string(), unit.body))
    };
    let expected = json_lines(200_000).split(|&byte| byte == b'\n').nth(149_999).unwrap().to_vec();
    assert_eq!(body(format!("{lines}:150000")), Some((format!("{lines}:150000"), OwnedBody::Json(expected))));
    assert_eq!(body(format!("{map}#x#1")), Some((format!("{map}#x#1"), OwnedBody::Json(b"{\"a\": 1}".to_vec()))));
    assert_eq!(body(format!("{map}#7")), Some((format!("{map}#7"), OwnedBody::Json(b"{\"a\": 2}".to_vec()))));
    assert_eq!(body(text.clone()), Some((text, OwnedBody::Text(b"some prose".to_vec()))));
    assert_eq!(body(format!("{lines}:900000")), None);
}

#[test]
fn a_reader_that_is_stopped_says_so() {
    let folder = Folder::new();
    let path = folder.file("a.jsonl", &json_lines(1000));
    let inputs = Arc::new(Inputs::discover(&[path], &settings(4096)).unwrap());
    let mut reader = Reader::new(inputs, &settings(4096)).unwrap();
    reader.stop_flag().store(true, Ordering::Relaxed);
    assert!(matches!(reader.next_batch(), Err(Error::Interrupted)));
}
