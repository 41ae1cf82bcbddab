//! The `calliper` command: arguments in, exit code out.

mod cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> impl std::process::Termination {
    cli::main()
}
