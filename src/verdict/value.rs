//! What a word is: the question that #129857 took days to answer.

use crate::abi::FuncType;
use crate::image::facts::{Emission, Role, function_type};
use crate::image::{HOST_SLOTS, Module};
use crate::loader::Vm;
use crate::loader::words::FunctionPointer;
use crate::scenario::{Layout, MethodId};

/// What a word turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Zero.
    Null,
    /// Inside the table.
    TableIndex(SlotOwner<'a>),
    /// Inside the table, where nothing is.
    EmptySlot,
    /// A method's portable entry point.
    EntryPoint(MethodId),
    /// Inside an image's payload: an import thunk's record, most likely.
    ImageData,
    /// Top bit and bit 0 set.
    VirtualIp,
    /// None of these.
    Unknown,
}

/// What a table slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotOwner<'a> {
    /// Module name.
    pub module: &'a str,
    /// Function index in it.
    pub function: u32,
    /// Symbol.
    pub symbol: &'a str,
    /// What the function is for.
    pub role: &'a Role,
    /// Its type.
    pub ty: &'a FuncType,
}

/// What a slot of the table holds, by who put it there.
pub fn slot_owner<'a>(vm: &'a Vm, index: u32) -> Option<SlotOwner<'a>> {
    let emission: &'a Emission = &vm.emission;
    let owner = |module: &'a Module, roles: &'a [Role], function: u32| SlotOwner {
        module: &module.name,
        function,
        symbol: &module.functions[function as usize].name,
        role: &roles[function as usize],
        ty: function_type(&emission.program, module, function),
    };
    let host_base = emission.program.host_base();
    if (host_base..HOST_SLOTS).contains(&index) {
        let function = index - host_base;
        return Some(owner(&emission.program.runtime, &emission.runtime.roles, function));
    }
    let loaded = vm.images().iter().enumerate().filter_map(|(i, image)| Some((i, (*image)?)));
    for (i, image) in loaded {
        if (image.table_base..image.table_base + image.table_size).contains(&index) {
            let function = index - image.table_base;
            let module = &emission.program.images[i];
            return Some(owner(module, &emission.images[i].roles, function));
        }
    }
    None
}

/// What a word is, in a process that ended up with a table of this length.
pub fn classify(vm: &Vm, word: FunctionPointer, table_len: u32) -> Value<'_> {
    if word.0 == 0 {
        return Value::Null;
    }
    if word.0 < table_len {
        return slot_owner(vm, word.0).map_or(Value::EmptySlot, Value::TableIndex);
    }
    let methods = (0..vm.scenario.layout.methods.len()).map(|i| MethodId(i as u16));
    for method in methods {
        if vm.method(method).is_some_and(|m| m.pep.0 == word.0) {
            return Value::EntryPoint(method);
        }
    }
    let in_image = vm.images().iter().enumerate().any(|(i, image)| {
        image.is_some_and(|image| {
            let size = vm.emission.program.images[i].payload.len() as u32;
            (image.image_base..image.image_base + size).contains(&word.0)
        })
    });
    if in_image {
        Value::ImageData
    } else if word.as_virtual_ip().is_some() {
        Value::VirtualIp
    } else {
        Value::Unknown
    }
}

impl Value<'_> {
    /// A short name for fingerprints.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::TableIndex(owner) => match owner.role {
                Role::Body(_) => "body",
                Role::Caller(_) | Role::NativeCaller(_) => "caller",
                Role::ImportThunk(_) => "import-thunk",
                Role::R2RToInterpreter(_) => "r2r-to-interpreter-thunk",
                Role::InterpreterToR2R(_) => "interpreter-to-r2r-thunk",
                Role::InterpreterToNative(_) => "interpreter-to-native-stub",
                Role::ReverseThunk(_) => "reverse-thunk",
                Role::Helper(_) => "helper",
            },
            Value::EmptySlot => "empty-slot",
            Value::EntryPoint(_) => "entry-point",
            Value::ImageData => "image-data",
            Value::VirtualIp => "virtual-ip",
            Value::Unknown => "unknown",
        }
    }

    /// A sentence for people.
    pub fn describe(&self, layout: &Layout) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::TableIndex(owner) => format!(
                "a table index: function {} of {}, `{}`, type {}",
                owner.function, owner.module, owner.symbol, owner.ty
            ),
            Value::EmptySlot => "a table index whose slot is null".to_owned(),
            Value::EntryPoint(method) => format!(
                "the address of {}'s portable entry point, not a table index",
                layout.method(*method).name
            ),
            Value::ImageData => "an address in an image's data".to_owned(),
            Value::VirtualIp => "a virtual IP (top bit and bit 0 set)".to_owned(),
            Value::Unknown => "nothing that the loader made".to_owned(),
        }
    }
}
