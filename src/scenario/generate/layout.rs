//! Layouts: what there is to call, and the places that call it.

use super::super::{Assembly, AssemblyId, Layout, Struct, StructShape, Type};
use super::dice::Dice;
use super::weights::{self, Shape};

/// A layout under construction. Its parts are made in order: structs
/// (here), [methods](super::families) with their classes and
/// [signatures](super::signatures), then [sites](super::sites).
pub(super) struct Builder<'d, 'u, 'b> {
    pub(super) dice: &'d mut Dice<'u, 'b>,
    pub(super) layout: Layout,
}

/// A valid layout with a call of every method.
pub(super) fn layout(dice: &mut Dice<'_, '_>) -> Layout {
    let mut builder = Builder { dice, layout: Layout::default() };
    builder.assemblies();
    builder.structs();
    builder.families();
    builder.sites();
    builder.layout
}

impl Builder<'_, '_, '_> {
    fn assemblies(&mut self) {
        let count = self.dice.weighted(&weights::ASSEMBLIES);
        let names = ["A", "B", "C", "D"].iter().take(count);
        self.layout.assemblies = names.map(|&name| Assembly { name: name.into() }).collect();
    }

    fn structs(&mut self) {
        for i in 0..self.dice.weighted(&weights::STRUCTS) {
            let shape = self.shape();
            self.layout.structs.push(Struct { name: format!("S{i}"), shape });
        }
    }

    fn shape(&mut self) -> StructShape {
        let shape = match self.dice.weighted(&weights::SHAPE) {
            Shape::Opaque => None,
            Shape::Realigned => self.realigned(),
            Shape::Wrapper => Some(StructShape::Wraps(self.dice.weighted(&weights::WRAPPED))),
            Shape::WrapsStruct => self.any_struct().map(StructShape::Wraps),
            Shape::Empty => Some(StructShape::Empty),
        };
        shape.unwrap_or_else(|| {
            let (size, align) = self.dice.weighted(&weights::OPAQUE);
            StructShape::Opaque { size, align }
        })
    }

    /// A struct as large as an earlier one, with another alignment.
    fn realigned(&mut self) -> Option<StructShape> {
        let Some(Type::Struct(id)) = self.any_struct() else { return None };
        let StructShape::Opaque { size, align } = self.layout.structs[id].shape else {
            return None;
        };
        let fits = |&other: &u32| other != align && size % other == 0 && size >= 2 * other;
        let [low, high] = if self.dice.percent(60) { [16, 4] } else { [8, 4] };
        let align = [low, high, 8, 1].into_iter().find(fits)?;
        Some(StructShape::Opaque { size, align })
    }

    /// One of the structs that there are by now.
    pub(super) fn any_struct(&mut self) -> Option<Type> {
        let structs = &self.layout.structs;
        (!structs.is_empty()).then(|| Type::Struct(self.dice.id_of(structs)))
    }

    pub(super) fn any_assembly(&mut self) -> AssemblyId {
        self.dice.id_of(&self.layout.assemblies)
    }
}
