//! How often each mutation happens: every number that shapes mutated scenarios.

use super::Mutation;

/// Every mutation with its weight. Weights sum to 100, so they are percentages; 80 of
/// the 100 keep the layout, and so the modules.
pub const MUTATIONS: [(Mutation, u32); 21] = [
    (Mutation::Reorder, 14),
    (Mutation::Duplicate, 7),
    (Mutation::Drop, 9),
    (Mutation::Splice, 12),
    (Mutation::Insert, 10),
    (Mutation::Nest, 4),
    (Mutation::Retarget, 14),
    (Mutation::TakeEarlier, 6),
    (Mutation::LoadLater, 4),
    (Mutation::Code, 2),
    (Mutation::Method, 2),
    (Mutation::Class, 1),
    (Mutation::Convention, 2),
    (Mutation::Signature, 3),
    (Mutation::Assembly, 1),
    (Mutation::Redirect, 3),
    (Mutation::Caller, 1),
    (Mutation::Struct, 1),
    (Mutation::Twin, 2),
    (Mutation::Echo, 1),
    (Mutation::Prune, 1),
];

/// In so many of 256 cases another change of the script follows the first one,
/// and another one that.
pub const ANOTHER: u8 = 96;

/// The most events that a mutation leaves in a script, before repair adds what they need.
pub const MAX_EVENTS: usize = 14;
/// The most events that are spliced in at once.
pub const MAX_SPLICE: usize = 4;
/// The most calls that are put into one.
pub const MAX_INSIDE: usize = 2;
/// The most methods that a mutation makes.
pub const MAX_METHODS: usize = 16;
/// The most sites that a mutation makes.
pub const MAX_SITES: usize = 48;
/// The most assemblies that a mutation makes.
pub const MAX_ASSEMBLIES: usize = 4;
/// The most classes that a mutation makes.
pub const MAX_CLASSES: usize = 4;
/// The most parameters that a mutation leaves a signature.
pub const MAX_PARAMS: usize = 12;
