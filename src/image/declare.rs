//! `decisions!` declares what can be decided wrong, each decision once.

/// A trait with a method for each decision, the right answer as its default, and the enum of
/// these decisions.
///
/// A row is `Name: fn method(arguments) -> Answer { the right one }`. The enum has its variants in
/// the order of the rows, so that a decision's bit is its position.
macro_rules! decisions {
    (
        $(#[$about:meta])*
        pub trait $Trait:ident: $Decision:ident { $($fixed:tt)* }
        $(
            $(#[$doc:meta])*
            $Name:ident: fn $method:ident($($argument:ident: $Type:ty),* $(,)?) -> $Answer:ty
                $default:block
        )*
    ) => {
        $(#[$about])*
        pub trait $Trait: std::fmt::Debug + Send + Sync {
            $($fixed)*

            $(
                $(#[$doc])*
                #[allow(unused_variables, reason = "a fault may look at more than the default does")]
                fn $method(&self, $($argument: $Type),*) -> $Answer $default
            )*
        }

        #[doc = concat!("A decision of a [`", stringify!($Trait), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Decision {
            $(
                #[doc = concat!("[`", stringify!($Trait), "::", stringify!($method), "`].")]
                $Name,
            )*
        }

        impl $Decision {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$Name),*];

            /// The method that decides.
            pub fn name(self) -> &'static str {
                const NAMES: &[&str] = &[$(stringify!($method)),*];
                NAMES[self as usize]
            }
        }
    };
}

pub(crate) use decisions;
