//! `calliper emit`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use calliper::files;
use calliper::image::encode::{encode_image, encode_runtime};
use calliper::image::facts::Emission;
use calliper::image::{ModuleId, Program};
use calliper::replay;

use super::{Ending, Failure};

/// Write the wasm modules of a scenario, as .wasm and as .wat
///
/// One module an assembly, named for it, and `runtime`, which owns memory and table.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  calliper emit corpus/regressions/issue-129857.toml --out modules")]
pub struct Arguments {
    /// The scenario, in text or binary form
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The directory to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes the modules and lists the files.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ending, Failure> {
    let scenario = replay::read(&arguments.file).map_err(Failure::Input)?;
    let emission = Emission::new(&scenario.layout);
    let in_directory = |error: std::io::Error| {
        let reason = replay::plain(&error);
        Failure::Input(format!("{}: cannot write here: {reason}", arguments.out.display()))
    };
    fs::create_dir_all(&arguments.out).map_err(in_directory)?;
    for (name, bytes) in modules(&emission.program) {
        let text = wasmprinter::print_bytes(&bytes)
            .map_err(|error| Failure::Input(format!("{name}: cannot be printed: {error:#}")))?;
        for (extension, content) in [("wasm", bytes.as_slice()), ("wat", text.as_bytes())] {
            let path = arguments.out.join(format!("{name}.{extension}"));
            files::write(&path, content).map_err(in_directory)?;
            writeln!(out, "{}", path.display())?;
        }
    }
    Ok(Ending::Expected)
}

/// Every module, with a file name that no other has.
fn modules(program: &Program) -> Vec<(String, Vec<u8>)> {
    let mut modules = vec![("runtime".to_owned(), encode_runtime(program))];
    for (index, image) in (0u16..).zip(&program.images) {
        let mut name = file_name(&image.name);
        // Some file systems hold `A.wasm` and `a.wasm` to be the same file.
        while modules.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            name = format!("{name}-{index}");
        }
        modules.push((name, encode_image(program, ModuleId(index))));
    }
    modules
}

/// The name with everything replaced that could mean something to a file system.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.trim_matches('.').is_empty() { format!("assembly{name}") } else { name }
}
