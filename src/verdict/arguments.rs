//! Whether a body saw what its caller passed.

use crate::image::words::Address;
use crate::loader::Vm;
use crate::loader::observation::{Body, Entry};
use crate::reference;
use crate::scenario::{Convention, MethodId, meaning};

/// Why what a body saw is not what the caller passed; hidden arguments are looked at as well.
pub(super) fn wrong_arguments(
    vm: &Vm,
    entry: &Entry,
    got: &[u8],
    want: &[u8],
    depth: usize,
) -> Option<String> {
    let layout = &vm.scenario.layout;
    let method = layout.method(entry.method);
    if got != want {
        return Some(first_wrong_argument(vm, entry.method, got, want));
    }
    let map = &vm.facts.map;
    let by_buffer = reference::shape::has_return_buffer(layout, &method.signature);
    let buffer = if by_buffer { map.result(depth) } else { Address::default() };
    if entry.return_buffer != buffer {
        return Some(format!(
            "the return buffer is {}, not the caller's {buffer}",
            entry.return_buffer
        ));
    }
    let stack = map.stack_bottom..=map.stack_top;
    if !stack.contains(&entry.stack_pointer) || !entry.stack_pointer.is_multiple_of(16) {
        return Some(format!("the stack pointer is {:#x}", entry.stack_pointer));
    }
    if let Body::ReadyToRun { entry_point } | Body::Native { entry_point } = entry.body
        && method.convention == Convention::Managed
        && vm.method(entry.method).is_none_or(|m| m.pep != entry_point)
    {
        return Some(format!("the portable entry point argument is {entry_point}"));
    }
    None
}

/// The name of the first argument whose bytes differ, with what it is and should be.
fn first_wrong_argument(vm: &Vm, method: MethodId, got: &[u8], want: &[u8]) -> String {
    let layout = &vm.scenario.layout;
    let signature = &layout.method(method).signature;
    let mut at = 0;
    let hidden = [
        (signature.instance, "this"),
        (signature.context, "the generic context"),
        (signature.continuation, "the continuation"),
    ];
    let hidden = hidden.into_iter().filter(|(there, _)| *there);
    let parameters = signature.params.iter().enumerate();
    let all = hidden.map(|(_, name)| (name.to_owned(), 8)).chain(
        parameters
            .map(|(i, &ty)| (format!("argument {}", i + 1), meaning::padded_size(layout, ty))),
    );
    for (name, size) in all {
        let range = at..at + size as usize;
        at = range.end;
        let (got, want) = (got.get(range.clone()), &want[range]);
        if got != Some(want) {
            return format!("{name} is {}, not {}", got.map_or("missing".into(), hex), hex(want));
        }
    }
    "the arguments differ".to_owned()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const MOST: usize = 16;
    let text: String = bytes.iter().take(MOST).map(|b| format!("{b:02x}")).collect();
    if bytes.len() > MOST { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn long_values_are_cut() {
        assert_eq!(hex(&[0xab; 16]), "ab".repeat(16));
        assert_eq!(hex(&[0xab; 17]), format!("{}… (17 bytes)", "ab".repeat(16)));
    }
}
