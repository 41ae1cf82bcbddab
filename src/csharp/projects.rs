//! Project files, and which files there are.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::Source;
use crate::scenario::{AssemblyId, meaning};

/// The project of support code.
const SUPPORT: &str = "Calliper.Runtime";
/// The project of the script.
const APPLICATION: &str = "Calliper.App";

impl Source<'_> {
    /// Every file, with its path below the program's directory.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let assemblies: Vec<AssemblyId> = self.layout.assemblies.ids().collect();
        let mut files = vec![
            (format!("{APPLICATION}/{APPLICATION}.csproj"), self.application(&assemblies)),
            (format!("{APPLICATION}/Program.cs"), self.script()),
        ];
        for &id in &assemblies {
            let name = &self.names.projects[id];
            files.push((format!("{name}/{name}.csproj"), self.library(self.homes.references(id))));
            files.push((format!("{name}/{name}.cs"), self.assembly(id)));
        }
        files.push((format!("{SUPPORT}/{SUPPORT}.csproj"), project("", "", &[])));
        files.push((format!("{SUPPORT}/Calliper.cs"), support()));
        let shared = self.shared_types();
        if !shared.is_empty() {
            files.push((format!("{SUPPORT}/Types.cs"), shared));
        }
        if self.is_native() {
            files.push(("native/calliper.c".into(), self.native_code()));
        }
        files.into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect()
    }

    fn library(&self, references: &[AssemblyId]) -> String {
        let mut names = vec![SUPPORT];
        names.extend(references.iter().map(|&id| self.names.projects[id].as_str()));
        project(self.properties(), "", &names)
    }

    /// Async methods are compiled for the runtime's own async.
    fn properties(&self) -> &'static str {
        if !self.is_async() {
            return "";
        }
        "\n    <!-- Async methods are the runtime's own; a compiler without runtime-async makes state \
         machines. -->\n    <EnablePreviewFeatures>true</EnablePreviewFeatures>\n    \
         <Features>$(Features);runtime-async=on</Features>"
    }

    fn application(&self, assemblies: &[AssemblyId]) -> String {
        let mut names = vec![SUPPORT];
        names.extend(assemblies.iter().map(|&id| self.names.projects[id].as_str()));
        let mut items = String::from(
            "\n  <!-- In the runtime's own tree, which assemblies get an R2R image. -->\n  <ItemGroup>\n",
        );
        let compiled = assemblies.iter().filter(|&&id| self.has_compiled_code(id));
        let compiled = compiled.map(|&id| self.names.projects[id].as_str());
        for name in compiled.chain([APPLICATION]) {
            let _ = writeln!(items, "    <WasmReadyToRunAssembly Include=\"{name}\" />");
        }
        items.push_str("  </ItemGroup>\n");
        if self.is_native() {
            items.push_str(
                "\n  <ItemGroup>\n    <NativeFileReference Include=\"../native/calliper.c\" />\n  </ItemGroup>\n",
            );
        }
        let properties = format!("\n    <OutputType>Exe</OutputType>{}", self.properties());
        project(&properties, &items, &names)
    }
}

/// A project in the plain style of the SDK.
fn project(properties: &str, items: &str, references: &[&str]) -> String {
    let mut out = format!(
        "<Project Sdk=\"Microsoft.NET.Sdk\">
  <PropertyGroup>{properties}
    <!-- Set it to the runtime under test; net8.0 and later take this program. -->
    <TargetFramework Condition=\"'$(TargetFramework)' == ''\">net10.0</TargetFramework>
    <LangVersion>latest</LangVersion>
    <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
    <Nullable>disable</Nullable>
    <ImplicitUsings>disable</ImplicitUsings>
    <TreatWarningsAsErrors>false</TreatWarningsAsErrors>
  </PropertyGroup>
"
    );
    if !references.is_empty() {
        out.push_str("\n  <ItemGroup>\n");
        for name in references {
            let path = format!("../{name}/{name}.csproj");
            let _ = writeln!(out, "    <ProjectReference Include=\"{path}\" />");
        }
        out.push_str("  </ItemGroup>\n");
    }
    out + items + "</Project>\n"
}

/// The support code, with vectors that its port can be checked with.
fn support() -> String {
    let mut text = include_str!("Calliper.cs").to_owned();
    for (name, value) in vectors() {
        text = text.replace(&format!("@{name}@"), &format!("{value:#x}"));
    }
    text
}

/// What the marks in the support code's comment stand for.
pub(super) fn vectors() -> [(&'static str, u64); 6] {
    let body = |method, words: &[u64]| {
        words
            .iter()
            .fold(meaning::mix(super::METHODS, method), |hash, &word| meaning::mix(hash, word))
    };
    let add = body(0, &[2, 3]);
    [
        ("MIX", meaning::mix(super::METHODS, 0)),
        ("HASH", add),
        ("INT", add & 0xffff_ffff),
        ("SMALL", body(1, &[0xffff_fffe, 1.5f64.to_bits()])),
        ("SECOND", meaning::mix(0x1020_3040_5060_7080, 1)),
        ("CONTINUATION", u64::from(meaning::CONTINUATION)),
    ]
}
