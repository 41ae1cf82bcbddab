//! IL stubs: small methods that the VM generates around others, each with a
//! MethodDesc and a portable entry point of its own, and all interpreted.

use super::callee::{Callee, Stub, StubId, StubKind};
use super::interpreter::{self, Arguments};
use super::memory::read_u32;
use super::{Vm, VmProcess, images, method_pep, types};
use crate::engine::Trap;
use crate::image::delegate::METHOD_PTR_AUX;
use crate::image::words::{Address, ArgsAddress, ObjectAddress, PepAddress};
use crate::index::IndexVec;
use crate::scenario::{MethodId, meaning};

/// The stub of this kind, made if there is none yet.
pub fn stub(process: &mut VmProcess<'_>, kind: StubKind) -> Result<Callee, Trap> {
    let vm = process.vm();
    if let Some(known) = vm.stubs.position(|(stub, _)| stub.kind == kind) {
        return Ok(Callee::Stub(known));
    }
    let signature = kind.signature(&vm.scenario.layout);
    let addresses = images::create_method(process)?;
    let vm = process.vm();
    Ok(Callee::Stub(vm.stubs.push((Stub { kind, signature }, addresses))))
}

/// Runs a stub on the arguments in these slots.
pub fn run(
    process: &mut VmProcess<'_>,
    id: StubId,
    args: ArgsAddress,
    ret: Address,
) -> Result<(), Trap> {
    let stub = process.vm().stubs[id].0.clone();
    let mut arguments = Arguments::read(process, &stub.signature, args)?;
    let target = match stub.kind {
        StubKind::Instantiating(method) => {
            arguments.context = Some(meaning::context_address(method));
            method_pep(process, method)?
        }
        StubKind::Unboxing(method) => {
            arguments.this = arguments.this.map(|object| ObjectAddress::made_at(object.at(4)));
            let shared = process.vm().scenario.layout.method(method).signature.context;
            arguments.context = shared.then(|| meaning::context_address(method));
            method_pep(process, method)?
        }
        StubKind::Shuffle(method) => shuffle(process, method, &mut arguments)?,
    };
    let (callee, _) = interpreter::owner(process, target)?;
    interpreter::calli_with(process, target, callee, &arguments, ret)
}

/// `ldfld _methodPtrAux; calli`: the delegate goes, and for an instance method
/// the first argument becomes the receiver.
fn shuffle(
    process: &mut VmProcess<'_>,
    method: MethodId,
    arguments: &mut Arguments,
) -> Result<PepAddress, Trap> {
    let delegate = arguments.this.take().unwrap_or_default();
    let aux = PepAddress::new(read_u32(process, delegate.at(METHOD_PTR_AUX))?);
    let vm = process.vm();
    let target = vm.scenario.layout.method(method);
    if !target.signature.instance {
        return Ok(aux);
    }
    let dispatched = target.is_virtual();
    let receiver = vm.open_receiver(arguments);
    arguments.this = Some(receiver);
    if !dispatched {
        return Ok(aux);
    }
    // Open virtual: the slot of the receiver decides.
    interpreter::owner(process, aux)?;
    let target = types::slot_entry(process, receiver, method)?;
    Vm::open_virtual_call(process, target, arguments)?;
    Ok(target)
}

impl Vm {
    /// The VM's stubs, with where they lie.
    pub fn stubs(&self) -> &IndexVec<StubId, (Stub, super::MethodAddresses)> {
        &self.stubs
    }
}
