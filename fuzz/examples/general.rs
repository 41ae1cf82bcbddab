//! The last line of the scoreboard: what a general wasm fuzzer sees of `call_indirect`.

use std::process::ExitCode;

use calliper_fuzz::general::general;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let modules = arguments.next().and_then(|count| count.parse().ok());
    let (Some(modules), None) = (modules, arguments.next()) else {
        eprintln!("usage: general MODULES");
        return ExitCode::from(2);
    };
    println!("{}", general(modules, 0));
    ExitCode::SUCCESS
}
