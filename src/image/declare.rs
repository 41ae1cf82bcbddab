//! `decisions!` declares what can be decided wrong, each decision once.

/// A trait with a method for each decision, the right answer as its default; the enum of these
/// decisions; and the implementation of the trait by which a composed type passes each decision on
/// to whom it has `asked` for it.
///
/// A row is `Name: fn method(arguments) -> Answer { the right one }`. The enum has its variants in
/// the order of the rows, so that a decision's bit is its position.
macro_rules! decisions {
    (
        $(#[$about:meta])*
        pub trait $Trait:ident: $Decision:ident { $($fixed:tt)* }
        impl $Same:ident for $Composed:ident { $($composed:tt)* }
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

        impl $Trait for $Composed {
            $($composed)*

            $(
                fn $method(&self, $($argument: $Type),*) -> $Answer {
                    self.asked($Decision::$Name).$method($($argument),*)
                }
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

            $(
                /// The same by the name of its method, which is all that a macro sees of it.
                #[allow(non_upper_case_globals, reason = "it is the name of a method")]
                pub const $method: Self = Self::$Name;
            )*

            /// The method that decides.
            pub fn name(self) -> &'static str {
                const NAMES: &[&str] = &[$(stringify!($method)),*];
                NAMES[self as usize]
            }
        }
    };
}

pub(crate) use decisions;
