//! The list of engines, and what is said of one that is not here.

use crate::engine::{Built, CannotRun, EngineKind, NoEngine, Row, names, paper, table};

const ABSENT: Row<()> =
    Row { name: "absent", about: "", compiles: false, by_default: false, built: None };

const LOST: Built<()> = Built {
    runs: || Err(CannotRun("it wants another processor".to_owned())),
    start: |_, _| Box::new(paper::Paper::new()),
};

fn said(row: &Row<()>) -> String {
    row.runs().err().expect("it is not here").to_string()
}

#[test]
fn an_engine_that_the_build_lacks_is_told_with_the_feature() {
    let known = names(&EngineKind::available());
    let remedy = "build with --features absent";
    assert_eq!(said(&ABSENT), format!("absent is not in this build, which has {known}; {remedy}"));
}

#[test]
fn an_engine_that_cannot_run_here_is_told_with_its_reason_and_the_others() {
    let row = Row { name: "lost", built: Some(LOST), ..ABSENT };
    let known = names(&EngineKind::available());
    let reason = "it wants another processor";
    let expected = format!("lost cannot run on this machine: {reason}; leave it out, {known} can");
    assert_eq!(said(&row), expected);
}

#[test]
fn every_engine_has_a_name_of_its_own_and_a_line_in_the_table() {
    let table = table();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), Row::<()>::ALL.len());
    for (row, line) in Row::<()>::ALL.iter().zip(&lines) {
        assert_eq!(line.split(' ').next(), Some(row.name));
        let here = row.name.parse::<EngineKind>();
        match here {
            Ok(kind) => assert_eq!((kind.name(), line.ends_with(row.about)), (row.name, true)),
            Err(NoEngine::NotBuilt { .. }) => assert!(line.ends_with("(not in this build)")),
            Err(_) => assert!(line.ends_with("(cannot run here)")),
        }
    }
}

#[test]
fn a_list_names_each_engine_once_and_in_its_order() {
    let mut wanted = EngineKind::available();
    wanted.reverse();
    let list = names(&wanted);
    assert_eq!(EngineKind::list(&format!("{list}, {list}")), Ok(wanted));
    assert_eq!(EngineKind::list("paper,,"), Err(NoEngine::Unknown(String::new())));
    let unknown = NoEngine::Unknown("v8".to_owned());
    assert!(unknown.to_string().contains(&names(&EngineKind::available())), "{unknown}");
}
