//! `audit` finds any flipped byte; `why` tells the life of every kind of unit.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use corpuskit_core::audit::audit;
use corpuskit_core::run::Options;
use corpuskit_core::why::{Fate, why};
use support::{Folder, corpus, plan, run, tree};

#[test]
fn a_flipped_byte_is_found_and_the_file_is_named() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    corpus(&input, 3_000);
    let out = folder.path("out");
    let plan = plan("{dedup: {near: true}, write: {shard_bytes: 300000}}");
    run(&plan, &input, &out, &Options { threads: 2, ..Options::default() }).unwrap();
    let sound = audit(&out).unwrap();
    assert!(sound.holds(), "{:?}", sound.problems);
    assert!(sound.counted.records.duplicates > 10 && sound.counted.records.kept > 1000);
    for (name, bytes) in tree(&out) {
        let path = out.join(&name);
        // The first, the last and some bytes between: head, body and tail of every format.
        for at in [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len() - 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let found = audit(&out).unwrap();
            assert!(
                found.problems.iter().any(|problem| problem.contains(&name)),
                "{name}, byte {at}: {:?}",
                found.problems
            );
        }
        std::fs::remove_file(&path).unwrap();
        assert!(audit(&out).is_err() || !audit(&out).unwrap().holds(), "{name} removed");
        std::fs::write(&path, &bytes).unwrap();
    }
    std::fs::write(out.join("data/part-00099.jsonl.zst"), b"x").unwrap();
    assert!(audit(&out).unwrap().problems[0].contains("part-00099"));
    std::fs::remove_file(out.join("data/part-00099.jsonl.zst")).unwrap();
    std::fs::write(out.join("timings.json"), b"{}").unwrap();
    assert!(audit(&out).unwrap().holds());
}

#[test]
fn the_life_of_every_kind_of_unit_is_told() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    let lines = [
        r#"{"messages":[{"role":"user","content":"hello there"},{"role":"assistant","content":"cafe\u0301 with\u200b space"}]}"#,
        "",
        r#"{"messages":[{"role":"user","content":"hello there"},{"role":"assistant","content":"café with space"}]}"#,
        r#"{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":""}]}"#,
        r#"{"messages":["#,
    ];
    std::fs::write(&input, lines.join("\n")).unwrap();
    let out = folder.path("out");
    run(&plan("{filter: {length: {min_chars: 1}}}"), &input, &out, &Options::default()).unwrap();
    let tell = |line: usize| why(&out, &format!("{}:{line}", input.display()));

    let kept = tell(1).unwrap();
    let Fate::Kept { shard, row, changes, .. } = &kept.fate else { panic!("{kept:?}") };
    assert_eq!((shard.as_str(), *row), ("data/part-00000.jsonl.zst", 0));
    assert_eq!(*changes, [("normalise.nfc".to_owned(), 1), ("normalise.zero_width".to_owned(), 1)]);
    assert_eq!(kept.source.state, "same");
    assert_eq!(kept.source.reproduced, Some(true));
    let steps: Vec<_> =
        kept.source.steps.iter().map(|step| (step.change.as_str(), step.turn, step.after.as_deref())).collect();
    assert_eq!(
        steps,
        [
            ("normalise.nfc", 2, Some("café with\u{200b} space")),
            ("normalise.zero_width", 2, Some("cafe\u{301} with space")),
        ]
    );

    assert!(matches!(tell(2).unwrap().fate, Fate::Empty));
    let double = tell(3).unwrap();
    let Fate::Duplicate { of, kind, kept: first, .. } = &double.fate else { panic!("{double:?}") };
    assert!(of.ends_with(":1") && kind == "exact" && first.is_some());
    let dropped = tell(4).unwrap();
    assert!(matches!(&dropped.fate, Fate::Dropped { reason, .. } if reason.starts_with("filter.")), "{dropped:?}");
    let rejected = tell(5).unwrap();
    assert!(matches!(&rejected.fate, Fate::Rejected { line } if line["reason"] == "parse.truncated"), "{rejected:?}");
    for told in [&kept, &double, &dropped, &rejected] {
        assert_eq!((told.source.state.as_str(), told.source.reproduced), ("same", Some(true)), "{told:?}");
    }
    assert!(tell(6).unwrap_err().to_string().contains("has no unit"));

    std::fs::write(&input, lines.join("\n").replace("hello", "hallo")).unwrap();
    let changed = tell(1).unwrap();
    assert_eq!((changed.source.state.as_str(), changed.source.reproduced), ("changed", Some(false)));
}

#[test]
fn mended_json_and_renamed_roles_are_told_whatever_the_verdict() {
    let folder = Folder::new();
    let input = folder.path("in.jsonl");
    let talk = |answer: &str, more: &str| {
        format!(
            r#"{{"conversations":[{{"from":"human","value":"how far is it?"}},{{"from":"gpt","value":"{answer}"}}]{more}}}"#
        )
    };
    let mut text = talk("about a mile\u{200b}", r#","score":NaN,"#).into_bytes();
    text.push(b'\n');
    text.extend_from_slice(talk("about a mile", r#","score":Infinity"#).as_bytes());
    text.push(b'\n');
    text.extend_from_slice(talk("", "").replace("how far", "how f\u{e9}r").as_bytes());
    // One byte of Windows-1252 in the third line, and a fourth that is mended in vain.
    let at = text.windows(2).position(|pair| pair == "\u{e9}".as_bytes()).unwrap();
    text.splice(at..at + 2, [0xe9]);
    text.extend_from_slice(b"\n{\"score\":NaN,\"x\":}\n");
    std::fs::write(&input, &text).unwrap();
    let out = folder.path("out");
    run(&plan("{filter: {length: {min_chars: 1}}}"), &input, &out, &Options::default()).unwrap();
    let tell = |line: usize| why(&out, &format!("{}:{line}", input.display())).unwrap();
    let mends = |line: usize| -> Vec<(String, Option<u64>, String, String)> {
        let told = tell(line);
        assert_eq!((told.source.state.as_str(), told.source.reproduced), ("same", Some(true)), "{told:?}");
        told.source.mends.into_iter().map(|mend| (mend.change, mend.byte, mend.before, mend.after)).collect()
    };
    let mended = |change: &str, line: usize, before: &[u8], shown: &str, after: &str| {
        let line = text.split(|&byte| byte == b'\n').nth(line - 1).unwrap();
        let at = line.windows(before.len()).rposition(|part| part == before).unwrap();
        (change.to_owned(), Some(at as u64), shown.to_owned(), after.to_owned())
    };
    assert_eq!(
        mends(1),
        [mended("parse.non_finite", 1, b"NaN", "NaN", "null"), mended("parse.trailing_comma", 1, b",}", ",", ""),]
    );
    assert_eq!(mends(2), [mended("parse.non_finite", 2, b"Infinity", "Infinity", "null")]);
    assert_eq!(mends(3), [mended("parse.encoding", 3, b"\xe9", "\\xe9", "\u{e9}")]);
    assert_eq!(mends(4), [mended("parse.non_finite", 4, b"NaN", "NaN", "null")]);
    for line in 1..=3 {
        let roles = tell(line).source.roles;
        let roles: Vec<_> = roles.iter().map(|role| (role.turn, role.given.as_str(), role.role.as_str())).collect();
        assert_eq!(roles, [(1, "human", "user"), (2, "gpt", "assistant")]);
    }
    let trace = |pairs: &[(&str, u64)]| pairs.iter().map(|&(kind, times)| (kind.to_owned(), times)).collect::<Vec<_>>();
    let Fate::Kept { changes, .. } = tell(1).fate else { panic!() };
    let all =
        [("parse.non_finite", 1), ("parse.trailing_comma", 1), ("normalise.zero_width", 1), ("normalise.role", 2)];
    assert_eq!(changes, trace(&all));
    let Fate::Duplicate { changes, .. } = tell(2).fate else { panic!() };
    assert_eq!(changes, trace(&[("parse.non_finite", 1), ("normalise.role", 2)]));
    let Fate::Dropped { changes, .. } = tell(3).fate else { panic!() };
    assert_eq!(changes, trace(&[("parse.encoding", 1), ("normalise.role", 2), ("normalise.empty_turn", 1)]));
}
