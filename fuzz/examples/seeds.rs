//! `ci/seeds DIR`: writes the regression corpus as seeds, a directory a target, and the
//! dictionary of the `text` target.

use std::path::Path;
use std::process::ExitCode;

use calliper_fuzz::seeds;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(to), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: seeds DIR");
        return ExitCode::from(2);
    };
    match seeds::write(Path::new(&to)) {
        Ok(count) => {
            println!("{count} seeds in {}", Path::new(&to).display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", Path::new(&to).display());
            ExitCode::from(2)
        }
    }
}
