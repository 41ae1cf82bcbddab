use super::projects::vectors;
use super::*;
use crate::scenario::Type;
use crate::scenario::text;

fn read(text: &str) -> Scenario {
    text::parse("test.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn file(scenario: &Scenario, path: &str) -> String {
    let files = program(scenario);
    let found = files.into_iter().find(|(other, _)| other == std::path::Path::new(path));
    found.unwrap_or_else(|| panic!("no {path}")).1
}

/// A method with this result and these parameters, and what `meaning` says it answers.
fn answer(signature: &str, method: u16, words: &[u64]) -> Vec<u8> {
    let mut text = String::from("calliper = 1\ntitle = \"\"\n[assemblies]\nA = {}\n[methods]\n");
    for index in 0..=method {
        text +=
            &format!("M{index} = {{ in = \"A\", code = \"r2r\", signature = \"{signature}\" }}\n");
    }
    let layout = read(&text).layout;
    let mut arguments = Vec::new();
    for (&ty, &word) in layout.method(MethodId(method)).signature.params.iter().zip(words) {
        meaning::push_value(&layout, ty, word, &mut arguments);
    }
    let mut out = Vec::new();
    meaning::push_result(&layout, MethodId(method), &arguments, &mut out);
    out
}

#[test]
fn the_vectors_of_the_support_code_are_those_of_meaning() {
    let vector =
        |name: &str| vectors().into_iter().find(|&(other, _)| other == name).expect("it exists").1;
    let bytes = |name: &str| vector(name).to_le_bytes().to_vec();
    assert_eq!(answer("ulong (int, int)", 0, &[2, 3]), bytes("HASH"));
    assert_eq!(answer("int (int, int)", 0, &[2, 3]), bytes("INT"));
    let minus_two = u64::from(-2i32 as u32);
    assert_eq!(answer("ulong (sbyte, double)", 1, &[minus_two, 1.5f64.to_bits()]), bytes("SMALL"));
    let mut wide = Vec::new();
    meaning::push_value(&Layout::default(), Type::Int128, 0x1020_3040_5060_7080, &mut wide);
    assert_eq!(wide[8..], bytes("SECOND"));
    assert_eq!(answer("ulong ()", 0, &[]), meaning::mix(METHODS, 0).to_le_bytes());
}

#[test]
fn no_mark_is_left_in_the_support_code() {
    let text = file(&Scenario::default(), "Calliper.Runtime/Calliper.cs");
    for (name, _) in vectors() {
        assert!(!text.contains(&format!("@{name}@")), "{name}");
    }
}

const BOTH_WAYS: &str = r#"
calliper = 1
title = "calls both ways"
[assemblies]
A = {}
B = {}
[methods]
InA = { in = "A", code = "r2r", signature = "void ()" }
InB = { in = "B", code = "r2r", signature = "void ()" }
[sites]
FromA = { in = "A", direct = "InB" }
FromB = { in = "B", direct = "InA" }
"#;

#[test]
fn a_site_that_closes_a_circle_stands_in_the_application() {
    let scenario = read(BOTH_WAYS);
    assert!(file(&scenario, "A/A.csproj").contains("../B/B.csproj"));
    assert!(!file(&scenario, "B/B.csproj").contains("../A/A.csproj"));
    assert!(file(&scenario, "A/A.cs").contains("void FromA() => B.InB();"));
    assert!(!file(&scenario, "B/B.cs").contains("FromB"));
    assert!(file(&scenario, "Calliper.App/Program.cs").contains("void FromB() => A.InA();"));
}

const NAMES: &str = r#"
calliper = 1
title = "names"
[assemblies]
Console = {}
console = {}
System = {}
[structs]
class = { size = 8, align = 4 }
[methods]
checked = { in = "Console", code = "r2r", signature = "class (class)" }
a = { in = "Console", code = "r2r", signature = "void ()" }
Body = { in = "console", code = "r2r", signature = "void ()" }
Nested = { in = "console", code = "r2r", signature = "void ()", symbol = "N.Outer+Inner.Run" }
Hidden = { in = "console", code = "r2r", signature = "void ()", symbol = "System.Math.Abs" }
"#;

#[test]
fn names_that_c_sharp_cannot_have_are_changed_or_escaped() {
    let scenario = read(NAMES);
    let first = file(&scenario, "Console/Console.cs");
    assert!(first.contains("static unsafe class ConsoleAssembly"), "{first}");
    assert!(first.contains("@class @checked(@class a)"), "{first}");
    assert!(first.contains("void aMethod()"), "{first}");
    let second = file(&scenario, "console_/console_.cs");
    assert!(second.contains("void BodyMethod()"), "{second}");
    let nested = "namespace N\n{\n    public partial class Outer\n    {\n        public static unsafe class \
                  Inner\n";
    assert!(second.contains(nested), "{second}");
    let lost = "// Hidden: metadata has it as System.Math.Abs, which C# cannot here.";
    assert!(second.contains(lost), "{second}");
    assert!(file(&scenario, "System_/System_.cs").starts_with("// Assembly System."));
}
