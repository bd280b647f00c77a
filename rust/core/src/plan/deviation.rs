//! Where a plan departs from its profile.

use serde::Serialize;
use serde_json::Value;

/// A setting that is not what the profile says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deviation {
    /// The dotted path of the setting.
    pub path: String,
    /// What the profile says; null where it has no such key.
    pub profile: Value,
    /// What the plan says; null where it has no such key.
    pub value: Value,
}

/// Every leaf in which two plans differ, in the order of the second one's keys.
pub(super) fn between(profile: &Value, plan: &Value) -> Vec<Deviation> {
    let mut found = Vec::new();
    collect(profile, plan, String::new(), &mut found);
    found
}

fn collect(profile: &Value, plan: &Value, path: String, found: &mut Vec<Deviation>) {
    let (Value::Object(before), Value::Object(after)) = (profile, plan) else {
        if profile != plan {
            found.push(Deviation { path, profile: profile.clone(), value: plan.clone() });
        }
        return;
    };
    let below = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
    for (key, value) in after {
        collect(before.get(key).unwrap_or(&Value::Null), value, below(key), found);
    }
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        collect(value, &Value::Null, below(key), found);
    }
}
