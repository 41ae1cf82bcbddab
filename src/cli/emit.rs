//! `calliper emit`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::csharp;
use crate::files;
use crate::image::Program;
use crate::image::emission::Emission;
use crate::image::encode::{encode_image, encode_runtime};
use crate::replay;
use crate::scenario::Scenario;

use super::{Exit, Failure};

/// Write what a scenario stands for: its wasm modules, or a C# program
///
/// As wasm, as the fixed compiler emits it: one module an assembly, named for it, and `runtime`,
/// which owns memory and table; each as .wasm and as .wat. As csharp: a project an assembly, the
/// script as `Main` of another, and what they share; it prints each call's expected result beside
/// what it got. It is for a wasm build of CoreCLR with R2R: a desktop runtime only checks the
/// program. native/calliper.c, if it is there, says how it is built.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  calliper emit corpus/regressions/issue-129857.toml --out modules
  calliper emit corpus/regressions/issue-129857.toml --format csharp --out repro
  dotnet run --project repro/Calliper.App")]
pub struct EmitArgs {
    /// The scenario, in text or binary form
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "wasm")]
    format: Form,

    /// The directory to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What to write.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// The modules that engines run
    Wasm,
    /// The program for a runtime of one's own
    Csharp,
}

/// Writes the files and lists them.
pub fn run(arguments: &EmitArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let scenario = replay::read(&arguments.file)?;
    let files = match arguments.format {
        Form::Wasm => wasm(&scenario)?,
        Form::Csharp => csharp::program(&scenario)
            .into_iter()
            .map(|(path, text)| (path, text.into_bytes()))
            .collect(),
    };
    for (path, content) in files {
        let path = arguments.out.join(path);
        write(&path, &content)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(Exit::Expected)
}

/// Every module, in both forms.
fn wasm(scenario: &Scenario) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
    let emission = Emission::new(&scenario.layout);
    let mut files = Vec::new();
    for (name, bytes) in modules(&emission.program) {
        let text = wasmprinter::print_bytes(&bytes).map_err(|error| Failure::NotPrinted {
            module: name.clone(),
            reason: format!("{error:#}"),
        })?;
        files.push((PathBuf::from(format!("{name}.wasm")), bytes));
        files.push((PathBuf::from(format!("{name}.wat")), text.into_bytes()));
    }
    Ok(files)
}

/// Every module, with a file name that no other has.
fn modules(program: &Program) -> Vec<(String, Vec<u8>)> {
    let mut modules = vec![("runtime".to_owned(), encode_runtime(program))];
    for (id, image) in program.images.enumerated() {
        let mut name = file_name(&image.name);
        // Some file systems hold `A.wasm` and `a.wasm` to be the same file.
        while modules.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            name = format!("{name}-{}", id.0);
        }
        modules.push((name, encode_image(program, id)));
    }
    modules
}

/// The name with everything replaced that could mean something to a file system.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.trim_matches('.').is_empty() { format!("assembly{name}") } else { name }
}

/// Writes a file at once or not at all.
fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)
        .and_then(|()| files::write(path, content))
        .map_err(|source| Failure::Directory { directory: directory.to_owned(), source })
}
