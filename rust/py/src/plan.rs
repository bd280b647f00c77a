//! Plans: text in, the effective plan out.

use crate::errors::{Result, detached};
use corpuskit_core::plan::{Plan, Profile, Source};
use pyo3::prelude::*;

/// A plan in which no key is missing: what a run does.
#[pyclass(frozen, module = "corpuskit._core")]
pub struct EffectivePlan {
    pub plan: Plan,
}

#[pymethods]
impl EffectivePlan {
    /// Joins profile, file and single settings, the later ones winning.
    ///
    /// `text` is YAML (or JSON) and `name` what messages call it; `settings` are `section.key=value`.
    #[new]
    #[pyo3(signature = (text=None, *, name="plan", profile=None, settings=Vec::new()))]
    fn new(
        py: Python<'_>,
        text: Option<String>,
        name: &str,
        profile: Option<&str>,
        settings: Vec<String>,
    ) -> Result<Self> {
        let plan = detached(py, || {
            let mut source = Source::default();
            if let Some(text) = &text {
                source = source.text(text, name);
            }
            if let Some(profile) = profile {
                source = source.profile(profile.parse()?);
            }
            settings.iter().fold(source, |source, setting| source.set(setting)).load()
        })?;
        Ok(Self { plan })
    }

    /// The plan as a JSON object.
    fn to_json(&self) -> String {
        self.plan.to_json().to_string()
    }

    /// The plan as YAML; keys that deviate from the profile say so.
    fn to_yaml(&self) -> String {
        self.plan.to_yaml()
    }

    /// BLAKE3 of the canonical form, in hexadecimal.
    fn digest(&self) -> String {
        self.plan.digest()
    }

    /// Path, value of the profile and value of each setting that is not the profile's; values in JSON.
    fn deviations(&self) -> Vec<(String, String, String)> {
        let in_json = |value: &serde_json::Value| value.to_string();
        self.plan
            .deviations()
            .into_iter()
            .map(|deviation| (deviation.path, in_json(&deviation.profile), in_json(&deviation.value)))
            .collect()
    }
}

/// The JSON schema of a plan file.
#[pyfunction]
pub fn plan_schema() -> String {
    Plan::schema().to_string()
}

/// The plan of a profile as YAML with every key explained.
#[pyfunction]
pub fn plan_template(profile: &str) -> Result<String> {
    Ok(Plan::template(profile.parse::<Profile>()?))
}
