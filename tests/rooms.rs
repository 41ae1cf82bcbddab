//! The rooms of `src` use each other as `docs/architecture.md` says: its table names what each room
//! may use, and lists rooms before those that build on them, so that no arrow runs back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::util::root;

/// A row of the page's table.
struct Room {
    /// The name of its module: `scenario` for `src/scenario`, `judge` for `src/judge.rs`.
    name: String,
    may_use: BTreeSet<String>,
}

/// The rows of the table that starts with `| room |`.
fn rooms(page: &str) -> Vec<Room> {
    let rows = page.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [room, _, may_use] = cells[..] else { panic!("not three columns: {row}") };
        let name = room.trim_matches('`').trim_start_matches("src/").trim_end_matches(".rs");
        let named = may_use.split(',').map(str::trim).filter(|name| *name != "nothing of ours");
        Room { name: name.to_owned(), may_use: named.map(str::to_owned).collect() }
    })
    .collect()
}

/// What is in a source file besides comments and tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that a source file names: `crate::room` in code that is not a test's.
fn used(source: &str) -> BTreeSet<String> {
    let code = code(source);
    let mut names = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let group = rest.strip_prefix('{').and_then(|group| group.split_once('}'));
        match group {
            Some((group, _)) => names.extend(group.split(',').map(first_name)),
            None => {
                names.insert(first_name(rest));
            }
        }
    }
    names
}

/// `a` of ` a::b as c`.
fn first_name(path: &str) -> String {
    path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What the files of a room use, by room; tests in files of their own are left out.
fn used_below(path: &Path, names: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a room can be listed") {
            used_below(&entry.expect("a room can be listed").path(), names);
        }
    } else if path.extension().is_some_and(|e| e == "rs") && !is_test(path) {
        names.extend(used(&fs::read_to_string(path).expect("a source file can be read")));
    }
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

#[test]
fn rooms_use_each_other_as_the_page_says() {
    let source = root().join("src");
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page is there");
    let rooms = rooms(&page);
    let names: BTreeSet<String> = rooms.iter().map(|room| room.name.clone()).collect();
    let mut before = BTreeSet::new();
    for Room { name, may_use } in &rooms {
        let against: Vec<_> = may_use.difference(&before).collect();
        assert!(
            against.is_empty(),
            "{name} may use {against:?}, which are not above it in the table"
        );
        let mut found = BTreeSet::new();
        for path in [source.join(name), source.join(name).with_extension("rs")] {
            if path.exists() {
                used_below(&path, &mut found);
            }
        }
        found.retain(|other| other != name && names.contains(other));
        assert_eq!(&found, may_use, "what {name} uses, and what docs/architecture.md says");
        before.insert(name.clone());
    }
    for entry in fs::read_dir(source).expect("src can be listed") {
        let path = entry.expect("src can be listed").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let known = names.contains(&name) || ["lib", "main", "tests"].contains(&name.as_str());
        assert!(known, "src/{name} is in no row of the table in docs/architecture.md");
    }
}

/// Real images have facts as well, and no emitter.
#[test]
fn the_loader_is_told_facts_that_do_not_say_who_made_an_image() {
    let read = |path: &str| code(&fs::read_to_string(root().join(path)).expect("it is there"));
    let facts = read("src/image/facts.rs");
    for word in ["emission", "Emission", "Role", "Site", "Program"] {
        assert!(!facts.contains(word), "facts speak of {word}");
    }
    // Where a site's code lies, and what memory held at the start.
    let may_ask = ["mod.rs", "calls.rs", "script.rs"];
    for entry in fs::read_dir(root().join("src/loader")).expect("the room can be listed") {
        let name = entry.expect("the room can be listed").file_name();
        let name = name.to_string_lossy();
        let asks = read(&format!("src/loader/{name}")).contains("emission");
        assert_eq!(asks, may_ask.contains(&&*name), "src/loader/{name} asks who made an image");
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let source = "use crate::abi::{FuncType};\n// crate::loader\nfn f() { crate::image::emit(); }\n\
                  use crate::{engine::Trap, verdict};\n#[cfg(test)]\nmod tests {\nuse crate::judge;\n}";
    let expected = ["abi", "engine", "image", "verdict"].map(str::to_owned);
    assert_eq!(used(source), BTreeSet::from(expected));
}
