//! What a word is: the question that #129857 took days to answer.

use crate::abi::FuncType;
use crate::image::emission::{Emission, Role, function_type};
use crate::image::words::{Address, FunctionPointer, PepAddress, TableIndex};
use crate::image::{FunctionId, HOST_SLOTS, Module};
use crate::index::IndexVec;
use crate::loader::Vm;
use crate::loader::callee::{Callee, StubKind};
use crate::loader::images::function_of_table_index;
use crate::scenario::meaning::class_at;
use crate::scenario::{ClassId, Layout, MethodId};

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
    /// The entry point of a stub.
    Stub(StubKind),
    /// The entry point of a delegate closed over a static method, which has that of this callee.
    ClosedStatic(PepAddress),
    /// The entry point of a slot's V-thunk.
    VirtualDispatch(MethodId),
    /// A delegate object.
    Delegate,
    /// The instance of a class.
    Object(ClassId),
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
    /// Which function of it.
    pub function: FunctionId,
    /// Symbol.
    pub symbol: &'a str,
    /// What the function is for.
    pub role: &'a Role,
    pub ty: &'a FuncType,
}

/// What a slot of the table holds, by who put it there.
pub fn slot_owner<'a>(vm: &'a Vm, index: TableIndex) -> Option<SlotOwner<'a>> {
    let emission: &'a Emission = &vm.emission;
    let owner = |module: &'a Module, roles: &'a IndexVec<FunctionId, Role>, function| SlotOwner {
        module: &module.name,
        function,
        symbol: &module.functions[function].name,
        role: &roles[function],
        ty: function_type(&emission.program, module, function),
    };
    let host_base = emission.program.host_base();
    if let Some(function) = index.behind(host_base).filter(|_| index.get() < HOST_SLOTS) {
        return Some(owner(
            &emission.program.runtime,
            &emission.roles.runtime,
            FunctionId(function),
        ));
    }
    let (assembly, function) = function_of_table_index(vm, index)?;
    let module = &emission.program.images[assembly.into()];
    Some(owner(module, &emission.roles.images[assembly], function))
}

/// What a word is, in a process that ended up with a table of this length.
pub fn classify(vm: &Vm, word: FunctionPointer, table_len: u32) -> Value<'_> {
    if word == FunctionPointer::NULL {
        return Value::Null;
    }
    if word.get() < table_len {
        let owner = slot_owner(vm, TableIndex::new(word.get()));
        return owner.map_or(Value::EmptySlot, Value::TableIndex);
    }
    let address = Address::new(word.get());
    if let Some(value) = structure(vm, address) {
        return value;
    }
    let in_image = vm.images().enumerated().any(|(assembly, image)| {
        image.is_some_and(|image| {
            let size = vm.facts.images[assembly].payload_size;
            address.behind(image.image_base).is_some_and(|rva| rva < size)
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

/// The structure of the VM's that lies exactly there.
fn structure(vm: &Vm, address: Address) -> Option<Value<'static>> {
    if let Some((callee, _)) = vm.callees().find(|(_, at)| at.pep.at(0) == address) {
        return Some(match callee {
            Callee::Method(method) => Value::EntryPoint(method),
            Callee::Stub(id) => Value::Stub(vm.stubs().get(id)?.0.kind),
        });
    }
    if let Some((_, pep)) = vm.closed_statics().iter().find(|(at, _)| at.at(0) == address) {
        return Some(Value::ClosedStatic(*pep));
    }
    if let Some((_, m)) = vm.virtual_dispatch_entries().iter().find(|(at, _)| at.at(0) == address) {
        return Some(Value::VirtualDispatch(*m));
    }
    if vm.delegates().iter().any(|(_, at)| at.at(0) == address) {
        return Some(Value::Delegate);
    }
    class_at(&vm.scenario.layout, address.get()).map(Value::Object)
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
                Role::VirtualThunk(_) => "v-thunk",
                Role::ClosedStaticThunk(_) => "closed-static-thunk",
                Role::ResumptionStub(_) => "resumption-stub",
            },
            Value::Stub(StubKind::Instantiating(_)) => "instantiating-stub",
            Value::Stub(StubKind::Unboxing(_)) => "unboxing-stub",
            Value::Stub(StubKind::Shuffle(_)) => "shuffle-thunk",
            Value::ClosedStatic(_) => "closed-static-entry",
            Value::VirtualDispatch(_) => "virtual-dispatch-entry",
            Value::Delegate => "delegate",
            Value::Object(_) => "object",
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
                owner.function.0, owner.module, owner.symbol, owner.ty
            ),
            Value::EmptySlot => "a table index whose slot is null".to_owned(),
            Value::EntryPoint(method) => format!(
                "the address of {}'s portable entry point, not a table index",
                layout.method(*method).name
            ),
            Value::Stub(kind) => {
                let name = &layout.method(kind.method()).name;
                format!("the address of the entry point of {name}'s {}", kind.name())
            }
            Value::ClosedStatic(pep) => {
                format!(
                    "the address of a closed static delegate's entry point, which leads to {pep}"
                )
            }
            Value::VirtualDispatch(method) => {
                let name = &layout.method(*method).name;
                format!("the address of the V-thunk's entry point for the slot of {name}")
            }
            Value::Delegate => "a delegate object".to_owned(),
            Value::Object(class) => format!("the instance of {}", layout.class(*class).name),
            Value::ImageData => "an address in an image's data".to_owned(),
            Value::VirtualIp => "a virtual IP (top bit and bit 0 set)".to_owned(),
            Value::Unknown => "nothing that the loader made".to_owned(),
        }
    }
}
