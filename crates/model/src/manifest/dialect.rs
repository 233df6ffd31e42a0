//! Which other platform's conventions a function follows beside this one's.

use crate::{ApplicationName, FunctionName, SharedStoreName, name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most names of stores that a function has words of its own for.
pub(super) const STORES_MAX: usize = 100;

/// The conventions of another platform, which the function was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Spin: the header fields `spin-path-info`, `spin-full-url` and their like, and the hosts
    /// `NAME.spin.internal` and `self` for other functions of the application.
    Spin,
}

impl Dialect {
    /// What a component of a Spin application is called here: names of functions are unique in an
    /// environment, and Spin's are unique in an application.
    ///
    /// # Errors
    /// The two make no name.
    pub fn function(
        application: &ApplicationName,
        component: &str,
    ) -> Result<FunctionName, name::Error> {
        let component = component.to_ascii_lowercase();
        if application.as_str() == component {
            return FunctionName::parse(&component);
        }
        FunctionName::parse(&format!("{application}-{component}"))
    }

    /// What a store of a Spin application is called here. All components of an application mean the
    /// same store by one label, and other applications mean others.
    ///
    /// # Errors
    /// The two make no name.
    pub fn store(
        application: &ApplicationName,
        label: &str,
    ) -> Result<SharedStoreName, name::Error> {
        let label = label.to_ascii_lowercase().replace('_', "-");
        SharedStoreName::parse(&format!("{application}-{label}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_an_application_do_not_meet_those_of_another() {
        let shop = ApplicationName::parse("shop").expect("a name");
        let function = |text: &str| Dialect::function(&shop, text).map(|name| name.to_string());
        assert_eq!(function("shop").as_deref(), Ok("shop"));
        assert_eq!(function("cart-API").as_deref(), Ok("shop-cart-api"));
        assert!(function("a_b").is_err() && function(&"a".repeat(60)).is_err());
        let store = |text: &str| Dialect::store(&shop, text).map(|name| name.to_string());
        assert_eq!(store("default").as_deref(), Ok("shop-default"));
        assert_eq!(store("my_carts").as_deref(), Ok("shop-my-carts"));
    }
}
