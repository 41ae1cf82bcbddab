//! Tests of what several rooms do together, with a view of their insides. Each module is one
//! subject; `cargo test --lib tests::states::` runs one of them alone. What can be seen of the
//! library and of the program from outside is tested in `tests`.

mod util;

#[cfg(feature = "campaign")]
mod campaign;
mod corpus;
mod csharp;
mod emit;
mod gallery;
mod generated;
mod measured;
mod oracle;
mod scenario_forms;
mod states;

pub use util::{corpus, root};
