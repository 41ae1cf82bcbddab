//! The forms of a scenario agree, and whatever is wrong with a text is one
//! line that points at it.

use crate::scenario::{
    Action, AssemblyId, Call, Caller, ClassId, ClassKind, Code, Convention, Dispatch, Event, Form,
    Layout, Method, MethodId, RuntimePath, Scenario, Site, Slot, StructId, StructShape, Type,
    VariableId, binary, generate, text, validate,
};

const EVERY_PATH: &str = include_str!("../../corpus/regressions/programs/every-path.toml");
const EVERY_FORM: &str = include_str!("fixtures/every-form.toml");

/// A small generator of numbers, so that every run tests the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = crate::scenario::meaning::mix(self.0, 1);
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }
}

fn read(text: &str) -> Scenario {
    text::parse("test.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn error(text: &str) -> String {
    match text::parse("seed.toml", text.as_bytes()) {
        Ok(scenario) => panic!("no error in\n{text}\n{scenario:?}"),
        Err(error) => error.to_string(),
    }
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

/// `text` with one piece replaced, which must occur.
fn edited(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

#[test]
fn the_fixture_is_canonical() {
    assert_eq!(text::print(&read(EVERY_FORM)), without_comments(EVERY_FORM));
}

#[test]
fn text_and_binary_round_trip() {
    let mut numbers = Numbers(1);
    for _ in 0..3000 {
        let scenario = generate::generate(&mut arbitrary::Unstructured::new(&numbers.bytes(600)));
        let printed = text::print(&scenario);
        assert_eq!(read(&printed), scenario, "{printed}");
        assert_eq!(text::print(&read(&printed)), printed);
        assert!(printed.len() <= validate::text_bound(&scenario));
        let encoded = binary::encode(&scenario);
        assert!(encoded.len() <= printed.len());
        assert_eq!(binary::decode(&encoded).as_ref(), Ok(&scenario));
    }
}

#[test]
fn the_empty_scenario_round_trips() {
    let empty = Scenario::default();
    assert_eq!(read(&text::print(&empty)), empty);
    assert_eq!(binary::decode(&binary::encode(&empty)), Ok(empty));
}

#[test]
fn other_layouts_of_the_same_toml_are_read() {
    let scenario = read(EVERY_FORM);
    let crlf = EVERY_FORM.replace('\n', "\r\n");
    assert_eq!(read(&crlf), scenario);
    assert_eq!(read(&format!("\u{feff}{EVERY_FORM}")), scenario);
    let spread = edited(EVERY_FORM, "[methods]", "");
    let spread = edited(
        &spread,
        "ManagedAdd = { in = \"Repro\", code = \"r2r\", signature = \"int (int, int)\" }",
        "[methods.ManagedAdd]\nin = 'Repro'\ncode = \"\"\"r2r\"\"\"\n\
         signature = \" int( int ,\\u0069nt ) \"\n[methods]",
    );
    assert_eq!(read(&spread), scenario);
}

/// The same for what [`EVERY_PATH`] has.
const PATH_EDITS: &[(&str, &str)] = &[
    ("E = { empty = true }", "E = { empty = false }"),
    ("E = { empty = true }", "E = { empty = true, size = 1 }"),
    ("Derived = { in = \"B\", base", "Derived = { in = \"B\", struct = true, base"),
    ("base = \"Base\"", "base = \"Bsae\""),
    ("base = \"Base\"", "base = \"Derived\""),
    ("base = \"Base\"", "base = \"Shape\""),
    ("interface = true", "interface = true, struct = true"),
    ("class = \"Shape\", virtual = true", "class = \"Shape\""),
    ("class = \"Base\", virtual = true", "virtual = true"),
    ("class = \"Base\", virtual = true", "class = \"Derived\", virtual = true"),
    ("overrides = \"BaseFoo\"", "overrides = \"BaseFin\""),
    ("overrides = \"BaseFoo\"", "overrides = \"DerivedFin\""),
    ("overrides = \"BaseFoo\"", "overrides = \"BaseFooo\""),
    ("class = \"Derived\", overrides = \"BaseFoo\"", "class = \"Derived\", overrides = \"Area\""),
    ("signature = \"object (void*)\", form", "signature = \"int (void*)\", form"),
    ("form = \"string-constructor\"", "form = \"string\""),
    ("form = \"dynamic\"", "form = \"dynamic\", class = \"Base\""),
    (
        "code = \"interpreted\", signature = \"int (int)\", form",
        "code = \"r2r\", signature = \"int (int)\", form",
    ),
    ("signature = \"generic int (int)\"", "signature = \"generic generic int (int)\""),
    ("pinvoke = true", "pinvoke = true, uco = true"),
    (
        "code = \"native\", signature = \"int (int, long)\"",
        "code = \"r2r\", signature = \"int (int, long)\"",
    ),
    (
        "signature = \"int (int, long)\", pinvoke",
        "signature = \"generic int (int, long)\", pinvoke",
    ),
    ("symbol = \"N.M.Outer+Inner.Callback\"", "symbol = \"Callback\""),
    ("V1 = { in = \"A\", virtual = \"BaseFoo\" }", "V1 = { in = \"A\", virtual = \"DerivedFoo\" }"),
    (
        "I1 = { in = \"A\", virtual = \"Area\" }",
        "I1 = { in = \"A\", virtual = \"Area\", dispatch = \"v-thunk\" }",
    ),
    ("Lv = { in = \"A\", ldvirtftn = \"BaseFoo\" }", "Lv = { in = \"A\", ldvirtftn = \"Static\" }"),
    ("delegate = \"BaseFoo\", closed = true", "delegate = \"UcoR\", closed = true"),
    ("delegate = \"BaseFoo\", closed = true", "delegate = \"BaseFoo\", dispatch = \"v-thunk\""),
    ("invoke = \"int (int)\"", "invoke = \"instance int (int)\""),
    (
        "GenCalli = { in = \"A\", calli = \"int (int)\" }",
        "GenCalli = { in = \"A\", calli = \"generic int (int)\" }",
    ),
    ("RCctor = { class-constructor = \"Cctor\" }", "RCctor = {}"),
    ("RCctor = { class-constructor = \"Cctor\" }", "RCctor = { class-constructor = \"Main\" }"),
    (
        "RCctor = { class-constructor = \"Cctor\" }",
        "RCctor = { in = \"A\", class-constructor = \"Cctor\" }",
    ),
    ("RFin = { finalizer = \"BaseFin\" }", "RFin = { finalizer = \"DerivedFin\" }"),
    ("XR = { export = \"UcoR\" }", "XR = { export = \"Static\" }"),
    ("RAsy = { resume = \"Asy\" }", "RAsy = { resume = \"AsyG\" }"),
    ("P1 = { in = \"A\", pinvoke = \"PInv\" }", "P1 = { in = \"A\", pinvoke = \"Static\" }"),
    ("T1 = { in = \"A\", by = \"interpreter\", ldftn", "T1 = { in = \"A\", ldftn"),
    ("    { load = \"A\" },\n", ""),
    ("call = \"V1\", this = \"Base\"", "call = \"V1\", this = \"Bsae\""),
    ("call = \"V1\", this = \"Base\"", "call = \"V1\", this = \"Point\""),
    ("call = \"V1\", this = \"Base\"", "call = \"V1\", this = 0x12345678"),
    ("take = \"Lv\", into = \"lv\", on = \"Derived\"", "take = \"Lv\", into = \"lv\""),
    ("take = \"DFooO\", into = \"do\"", "take = \"DFooO\", into = \"do\", on = \"Base\""),
    ("args = [\"Derived\"", "args = [\"Point\""),
    ("call = \"InvFoo\", through = \"d\"", "call = \"InvFoo\", through = \"lv\""),
    (
        "call = \"SqrtC\", args = [1.5]",
        "call = \"SqrtC\", args = [1.5], inside = [{ call = \"AsyC\" }]",
    ),
    (
        "inside = [{ call = \"P1\"",
        "inside = [{ call = \"V1\", this = \"Base\", args = [1], inside = [{ call = \"AsyC\" }] }, { call = \"P1\"",
    ),
    ("recycle = \"Dyn1\", as = \"Dyn2\"", "recycle = \"Dyn1\", as = \"Cctor\""),
    ("recycle = \"Dyn1\", as = \"Dyn2\"", "recycle = \"Dyn1\", as = \"Dyn1\""),
    ("take = \"T2\", into = \"y2\"", "take = \"T1\", into = \"y2\""),
    ("{ reset = \"Static\" }", "{ reset = \"UcoR\" }"),
];

/// Pieces to replace in the fixture, and what is said about the result.
const EDITS: &[(&str, &str)] = &[
    ("calliper = 1", "calliper = 2"),
    ("calliper = 1\n", ""),
    ("title = ", "titel = "),
    ("title = \"every", "title = \"\\nevery"),
    ("title = \"every", "title = every"),
    ("129857, ", "129857, 0, "),
    ("issue-129857 =", "\"issue 129857\" ="),
    ("issue-129857-native-code", "issue-129857"),
    ("Other = {}", "Repro = {}"),
    ("Other = {}", "Other = { x = 1 }"),
    ("Other = {}", "Other = 1"),
    ("Other = {}", "\"O ther\" = {}"),
    ("size = 12", "size = 13"),
    ("size = 12", "size = 2048"),
    ("size = 12", "size = 4"),
    ("size = 12", "size = \"12\""),
    ("size = 12", "size = 12.0"),
    ("align = 4", "align = 3"),
    ("size = 12, ", ""),
    ("size = 12, ", "wraps = \"int\", "),
    ("wraps = \"double\"", "wraps = \"duoble\""),
    ("wraps = \"double\"", "wraps = \"Twice\""),
    ("S12 = { s", "Int128 = { s"),
    ("in = \"Repro\", code", "in = \"Rerpo\", code"),
    ("code = \"r2r\"", "code = \"r2\""),
    ("code = \"r2r\", ", ""),
    ("signature = \"int (int, int)\"", "signature = \"int (int, itn)\""),
    ("signature = \"int (int, int)\"", "signature = \"int (int, int\""),
    ("signature = \"int (int, int)\"", "signature = \"int (int, void)\""),
    ("signature = \"int (int, int)\"", "signature = \"int (\\u0069nt, itn)\""),
    ("signature = \"void ()\"", "signature = \"object ()\""),
    ("signature = \"void ()\"", "signature = \"instance void ()\""),
    ("signature = \"void ()\"", "signature = \"void (int, object)\""),
    ("uco = true }", "uco = true, reverse-thunk = false }"),
    ("signature = \"int (int, int)\" }", "signature = \"int (int, int)\", reverse-thunk = false }"),
    ("ldftn = \"UcoAdd\"", "ldftn = \"UcoAd\""),
    ("ldftn = \"UcoAdd\"", "ldftn = \"UcoAdd\", calli = \"int ()\""),
    ("ldftn = \"UcoAdd\"", "ldftn = \"UcoAdd\", binding = \"eager\""),
    ("binding = \"eager\"", "binding = \"now\""),
    ("direct = \"ManagedAdd\"", "direct = \"UcoAdd\""),
    ("by = \"interpreter\", direct", "by = \"jit\", direct"),
    ("native = ", "in = \"Repro\", native = "),
    ("unmanaged = \"int (int, int)\"", "unmanaged = \"int (int, object)\""),
    ("{ load = \"Repro\" },", "{ laod = \"Repro\" },"),
    ("{ load = \"Repro\" },", "{ load = \"Repro\", into = \"x\" },"),
    ("{ load = \"Repro\" },", "{ load = \"Repro\", touch = \"UcoAdd\" },"),
    ("{ load = \"Repro\" },", "{ },"),
    ("{ load = \"Repro\" },", "7,"),
    ("{ load = \"Repro\" },", ""),
    ("{ load = \"Other\" },", ""),
    ("{ load = \"Other\" },", "{ load = \"Repro\" },"),
    ("{ touch = \"UcoAdd\" },", "{ touch = \"UcoBare\" },"),
    ("{ touch = \"UcoAdd\" },", "{ touch = UcoAdd },"),
    ("take = \"TakeUco\"", "take = \"CallUco\""),
    ("into = \"uco\"", "into = \"u c\""),
    (", into = \"uco\"", ""),
    ("through = \"managed\"", "through = \"mangaed\""),
    ("through = \"managed\"", "through = \"uco\""),
    (", through = \"managed\"", ""),
    ("\"CallDirect\", args", "\"CallDirect\", through = \"uco\", args"),
    ("call = \"CallDirect\"", "call = \"TakeUco\""),
    ("args = [2, 3]", "args = [2]"),
    ("args = [2, 3]", "args = [2, 3, 4]"),
    ("args = [2, 3]", "args = [2, 2147483648]"),
    ("args = [2, 3]", "args = [2, 3.5]"),
    ("args = [2, 3]", "args = [2, true]"),
    ("args = [2, 3]", "args = [2, -0x3]"),
    (", args = [2, 3]", ""),
    ("args = [2, 3]", "arg = [2, 3]"),
    ("args = [2, 3]", "this = 1, args = [2, 3]"),
    ("this = 0x1122, ", ""),
    ("this = 0x1122", "this = 0x1_0000_0000"),
    ("\"0xffffffffffffffff\"]", "\"0x1ffffffffffffffff\"]"),
    ("\"0xffffffffffffffff\"]", "-1]"),
    ("args = [true", "args = [1"),
    ("-128", "-129"),
    (", 255", ", 256"),
    ("0.1", "1"),
    ("0.1", "nan"),
    ("0.1", "1e99"),
    ("-inf", "-1e999"),
    ("events = [", "events = [["),
    ("]\n", "]]\n"),
];

#[test]
fn every_error_is_one_line_that_points_at_the_token() {
    insta::assert_snapshot!(errors(EVERY_FORM, EDITS));
}

#[test]
fn every_rule_of_every_path_is_told() {
    insta::assert_snapshot!(errors(EVERY_PATH, PATH_EDITS));
}

/// What is said about each edit of a scenario.
fn errors(scenario: &str, edits: &[(&str, &str)]) -> String {
    let base = without_comments(scenario);
    let mut said = String::new();
    for (old, new) in edits {
        let message = error(&edited(&base, old, new));
        assert!(message.starts_with("seed.toml:"), "{message}");
        assert!(message.contains("; "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        said += &format!("{} -> {}\n  {message}\n", old.escape_debug(), new.escape_debug());
    }
    said
}

#[test]
fn bytes_that_are_no_text() {
    let of = |bytes: &[u8]| text::parse("a\nb.toml", bytes).expect_err("no scenario").to_string();
    let deep = format!("calliper = 1\nx = {}", "[".repeat(100_000));
    let dotted = format!("calliper = 1\n{} = 1", vec!["a"; 100_000].join("."));
    let tables = format!("calliper = 1\nx = {}", "{ a = ".repeat(100_000));
    let many: String = (0..300).map(|i| format!("A{i} = {{}}\n")).collect();
    let said = [
        of(b""),
        of(b" \n# nothing\n"),
        of(b"\n\n  \t"),
        of("calliper = 1\ntitle = \"Δ\u{e9}".as_bytes()),
        of(b"calliper = 1\ntitle = \"\xc3\xa9 \xff\"\n"),
        of(&vec![b'#'; (1 << 20) + 1]),
        of(deep.as_bytes()),
        of(dotted.as_bytes()),
        of(tables.as_bytes()),
        of(format!("calliper = 1\ntitle = \"\"\n[assemblies]\n{many}").as_bytes()),
        of(b"\0\0\0\0"),
    ];
    for line in &said {
        assert_eq!(line.lines().count(), 1, "{line}");
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn no_text_makes_the_reader_panic() {
    let mut numbers = Numbers(2);
    let pieces: Vec<&str> = EVERY_FORM.split_inclusive([' ', '\n', ',', '"', '=', '.']).collect();
    for end in 0..EVERY_FORM.len() {
        check_any(&EVERY_FORM.as_bytes()[..end]);
    }
    for _ in 0..20_000 {
        let mut bytes = EVERY_FORM.as_bytes().to_vec();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            let end = (at + numbers.below(12)).min(bytes.len());
            let piece = pieces[numbers.below(pieces.len())].as_bytes();
            match numbers.below(5) {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, piece.iter().copied())),
                2 => drop(bytes.splice(at..end, piece.iter().copied())),
                3 => bytes.insert(at, b"[]{}\"'=.,#\n\\\xff0-"[numbers.below(15)]),
                _ => bytes[at] = numbers.next() as u8,
            }
        }
        check_any(&bytes);
    }
    for _ in 0..2000 {
        check_any(&numbers.bytes(200));
    }
}

/// Either a scenario that round-trips, or an error of one line.
fn check_any(bytes: &[u8]) {
    match text::parse("any", bytes) {
        Ok(scenario) => assert_eq!(read(&text::print(&scenario)), scenario),
        Err(error) => {
            let line = error.to_string();
            assert_eq!(line.lines().count(), 1, "{line}");
            assert!(line.contains("; "), "{line}");
        }
    }
}

#[test]
fn binary_errors_say_what_is_wrong() {
    let good = binary::encode(&read(EVERY_FORM));
    let of = |bytes: &[u8]| binary::decode(bytes).expect_err("no scenario").to_string();
    let mut newer = good.clone();
    newer[4] = 3;
    let mut invalid = read(EVERY_FORM);
    invalid.script.remove(0);
    let said = [
        of(b""),
        of(b"CLP"),
        of(b"CLPR"),
        of(b"PNG\x01"),
        of(&newer),
        of(&good[..20]),
        of(&[&good[..], b"xx"].concat()),
        of(&vec![0; (1 << 20) + 1]),
        of(&binary::encode(&invalid)),
        of(b"CLPR\x02\x01\xff"),
        of(b"CLPR\x01\x01\xff"),
    ];
    insta::assert_snapshot!(said.join("\n"));
    for end in 0..good.len() {
        assert!(binary::decode(&good[..end]).is_err());
    }
}

#[test]
fn any_bytes_give_a_valid_scenario_or_an_error() {
    let mut numbers = Numbers(3);
    let good = binary::encode(&read(EVERY_FORM));
    let mut repaired = 0;
    for _ in 0..30_000 {
        let mut bytes = good.clone();
        for _ in 0..=numbers.below(12) {
            let at = 5 + numbers.below(bytes.len() - 5);
            bytes[at] = numbers.next() as u8;
        }
        let line = binary::decode(&bytes).err().map(|error| error.to_string());
        assert!(line.is_none_or(|line| line.lines().count() == 1));
        let Ok(mut scenario) = binary::decode_any(&bytes) else { continue };
        let _ = text::print(&scenario);
        let valid = check_fixup(&mut scenario);
        repaired += usize::from(!valid);
    }
    assert!(repaired > 300, "{repaired}");
}

/// Repairs a scenario; says whether it was valid before.
fn check_fixup(scenario: &mut Scenario) -> bool {
    let before = scenario.clone();
    let valid = validate::validate(scenario).is_ok();
    generate::fixup(scenario);
    assert_eq!(validate::validate(scenario), Ok(()), "{before:?}\n{scenario:?}");
    if valid {
        assert_eq!(*scenario, before);
    }
    let once = scenario.clone();
    generate::fixup(scenario);
    assert_eq!(*scenario, once);
    valid
}

#[test]
fn any_broken_scenario_is_repaired() {
    let mut numbers = Numbers(4);
    let (mut repaired, mut events) = (0, 0);
    for _ in 0..20_000 {
        let mut scenario =
            generate::generate(&mut arbitrary::Unstructured::new(&numbers.bytes(400)));
        let mut other = generate::generate(&mut arbitrary::Unstructured::new(&numbers.bytes(400)));
        for _ in 0..=numbers.below(4) {
            scramble(&mut numbers, &mut scenario, &mut other);
        }
        let _ = text::print(&scenario);
        repaired += usize::from(!check_fixup(&mut scenario));
        events += scenario.script.len();
        assert_eq!(read(&text::print(&scenario)), scenario);
    }
    assert!(repaired > 10_000, "{repaired}");
    assert!(events > 100_000, "{events}");
}

/// One act of vandalism.
fn scramble(numbers: &mut Numbers, scenario: &mut Scenario, other: &mut Scenario) {
    let id = match numbers.below(3) {
        0 => u16::MAX,
        _ => numbers.below(9) as u16,
    };
    let nth = numbers.below(8);
    let layout = &mut scenario.layout;
    match numbers.below(28) {
        0 => std::mem::swap(&mut layout.assemblies, &mut other.layout.assemblies),
        1 => std::mem::swap(&mut layout.structs, &mut other.layout.structs),
        2 => std::mem::swap(&mut layout.methods, &mut other.layout.methods),
        3 => std::mem::swap(&mut layout.sites, &mut other.layout.sites),
        4 => std::mem::swap(&mut scenario.script, &mut other.script),
        5 => std::mem::swap(&mut scenario.variables, &mut other.variables),
        6 => layout.assemblies.clear(),
        7 => layout.methods.truncate(nth / 4),
        8 => layout.structs.truncate(nth / 4),
        9 => layout.structs.as_mut_slice().reverse(),
        10 => scenario.title = "two\nlines\u{2028}".repeat(nth * 10),
        11 => scenario.upstream = vec![0, 7, 0],
        12 => scenario.shows = vec![("a".into(), "b".into()), ("a".into(), "c d".into())],
        13 => layout.methods.iter_mut().for_each(|m| m.name = "Same".into()),
        14 => layout.structs.iter_mut().for_each(|s| s.name = "int".into()),
        15 => scenario.script.reverse(),
        16 => {
            let by = nth.min(scenario.script.len());
            scenario.script.rotate_left(by);
        }
        17 => layout.methods.iter_mut().for_each(|m| m.assembly = AssemblyId(id)),
        20 => std::mem::swap(&mut layout.classes, &mut other.layout.classes),
        21 => layout.classes.as_mut_slice().reverse(),
        22 => layout.classes.truncate(nth / 4),
        23 => scramble_classes(numbers, layout, id),
        24 => layout.methods.iter_mut().for_each(|m| scramble_method(numbers, m, id)),
        25 => layout.sites.iter_mut().for_each(|site| scramble_site(numbers, site, id)),
        26 => scenario.interpreter_only ^= true,
        27 => nest(&mut scenario.script, nth),
        18 => {
            for item in &mut layout.structs {
                let (size, align) = (numbers.next() as u32 % 3000, numbers.next() as u32 % 40);
                item.shape = StructShape::Opaque { size, align };
            }
        }
        _ => {
            for event in &mut scenario.script {
                match event {
                    Event::Load(assembly) => assembly.0 = id,
                    Event::Prepare(method) | Event::Touch(method) | Event::Reset(method) => {
                        method.0 = id;
                    }
                    Event::Recycle { to, .. } => to.0 = id,
                    Event::Take { into, .. } => into.0 = id,
                    Event::Call(call) => {
                        call.site.0 = id;
                        call.args.push(numbers.next());
                        call.this = None;
                    }
                }
            }
        }
    }
}

fn scramble_classes(numbers: &mut Numbers, layout: &mut Layout, id: u16) {
    for class in &mut layout.classes {
        match numbers.below(4) {
            0 => class.assembly = AssemblyId(id),
            1 => class.base = Some(ClassId(id)),
            2 => class.kind = [ClassKind::Class, ClassKind::Interface][numbers.below(2)],
            _ => class.name = "Same".into(),
        }
    }
}

fn scramble_method(numbers: &mut Numbers, method: &mut Method, id: u16) {
    const CODES: [Code; 5] =
        [Code::ReadyToRun, Code::Interpreted, Code::Both, Code::Rejected, Code::Native];
    const CONVENTIONS: [Convention; 3] =
        [Convention::Managed, Convention::UnmanagedCallersOnly, Convention::PInvoke];
    match numbers.below(9) {
        0 => method.class = Some(ClassId(id)),
        1 => method.slot = [Slot::Virtual, Slot::Overrides(MethodId(id))][numbers.below(2)],
        2 => method.convention = CONVENTIONS[numbers.below(3)],
        3 => method.code = CODES[numbers.below(5)],
        4 => method.form = [Form::StringConstructor, Form::Dynamic][numbers.below(2)],
        5 => method.symbol = Some(["A.B", "A+B", "N.A+B.C", ""][numbers.below(4)].into()),
        6 => method.signature.instance ^= true,
        7 => method.signature.context ^= true,
        _ => method.signature.continuation ^= true,
    }
}

fn scramble_site(numbers: &mut Numbers, site: &mut Site, id: u16) {
    let callee = MethodId(id);
    let path = RuntimePath::ALL[numbers.below(RuntimePath::ALL.len())];
    let closed = numbers.below(2) == 0;
    let dispatch = [Dispatch::VirtualThunk, Dispatch::ImportThunk][numbers.below(2)];
    match numbers.below(12) {
        0 => site.caller = Caller::Native,
        1 => site.caller = Caller::Interpreter(AssemblyId(id)),
        2 => site.action = Action::Runtime { path, callee },
        3 => site.action = Action::NewDelegate { method: callee, closed },
        4 => site.action = Action::Virtual { method: callee, dispatch },
        5 => site.action = Action::Ldvirtftn(callee),
        6 => site.action = Action::PInvoke { callee, suppress_gc_transition: closed },
        7 => site.action = Action::Ldftn(callee),
        _ => {}
    }
    if let Action::ManagedCalli(signature)
    | Action::UnmanagedCalli(signature)
    | Action::Invoke(signature) = &mut site.action
    {
        match numbers.below(4) {
            0 => signature.context = true,
            1 => signature.instance ^= true,
            2 => signature.continuation = true,
            _ => signature.params.push(Type::Struct(StructId(id))),
        }
    }
}

/// Puts calls inside others, deeper than allowed, and gives them odd receivers.
fn nest(script: &mut [Event], nth: usize) {
    let calls = script.iter_mut().filter_map(|event| match event {
        Event::Call(call) => Some(call),
        _ => None,
    });
    for call in calls.skip(nth % 3) {
        for _ in 0..nth % 5 {
            let inner = Call { this: Some(nth as u32), ..call.clone() };
            call.inside = vec![inner];
        }
        call.pointer = call.pointer.or(Some(VariableId::from(nth)));
    }
}

#[test]
fn a_scenario_too_large_to_be_written_is_cut() {
    let mut scenario = read(EVERY_FORM);
    let call = scenario.script.last().cloned().expect("an event");
    scenario.script.resize(4096, call);
    assert!(validate::validate(&scenario).is_err());
    assert!(!check_fixup(&mut scenario));
    assert!(scenario.script.len() > 1000);
    let mut method = scenario.layout.method(MethodId(0)).clone();
    method.signature.params = vec![Type::I32; 400];
    let missing = 300 - scenario.layout.methods.len();
    scenario.layout.methods.extend(std::iter::repeat_n(method, missing));
    assert!(!check_fixup(&mut scenario));
}
