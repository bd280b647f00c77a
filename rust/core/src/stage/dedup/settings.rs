//! The plan section `dedup`.

use super::keep::{Keep, Ranks};
use crate::error::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// What is a duplicate, and which of several is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DedupSettings {
    /// Drop records whose turns (role, text, reasoning, tool calls) and tools all equal those of a kept record.
    pub exact: bool,
    /// Drop records whose words nearly equal those of a kept record: `false`, `true` (all defaults) or settings.
    pub near: Near,
    /// Which of several duplicates is kept; of equals the first. Whatever it is, the output stays in input order.
    pub keep: Keep,
    /// With `keep: best`, the field of the record that holds a number, larger is better: names joined by
    /// dots, such as `score.quality`. Records without it come last.
    pub best_by: Option<String>,
    /// With `keep: newest`, the field of the record that holds a date (ISO 8601, without a zone taken as
    /// UTC) or a number; a date counts as seconds since 1970. Records without it come last.
    pub newest_by: Option<String>,
    /// With `keep: source-priority`, sources or patterns (`*`, `?`, `[…]`) of them, the preferred first.
    /// Records of other sources come last.
    pub sources: Vec<String>,
}

impl Default for DedupSettings {
    fn default() -> Self {
        Self {
            exact: true,
            near: Near(Some(NearSettings::default())),
            keep: Keep::First,
            best_by: None,
            newest_by: None,
            sources: Vec::new(),
        }
    }
}

impl DedupSettings {
    /// Whether there is anything to do.
    pub fn is_off(&self) -> bool {
        !self.exact && self.near.0.is_none()
    }

    /// Refuses settings that contradict each other.
    pub fn check(&self) -> Result<()> {
        Ranks::new(self)?;
        let Some(near) = &self.near.0 else { return Ok(()) };
        if near.mode == Mode::Conversation && near.threshold.prompt != near.threshold.response {
            return Err(Error::plan(
                "dedup.near.threshold",
                "two thresholds, but mode `conversation` compares prompt and response as one",
            )
            .with_hint("give one number, or use mode `sides`"));
        }
        Ok(())
    }
}

/// Near duplicates: off, or how near.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Near(pub Option<NearSettings>);

/// How near is near.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NearSettings {
    /// The least Jaccard similarity of two duplicates' shingles, 0.1 to 1, at most four decimals; or
    /// one for each side: `{prompt: 0.9, response: 0.7}`.
    pub threshold: Threshold,
    /// Tokens in a shingle, 1 to 16.
    #[schemars(range(min = 1, max = 16))]
    #[serde(deserialize_with = "shingle")]
    pub shingle: usize,
    /// Which sides of the conversation are compared.
    pub mode: Mode,
}

impl Default for NearSettings {
    fn default() -> Self {
        Self { threshold: Threshold::same(8_000), shingle: 3, mode: Mode::Sides }
    }
}

/// Which sides of the conversation are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The prompts and the responses must both be near.
    #[default]
    Sides,
    /// Only the prompts (user and tool turns) are compared.
    Prompt,
    /// Only the responses (assistant turns) are compared.
    Response,
    /// Prompt and response are compared as one.
    Conversation,
}

/// The smallest and largest threshold, and the unit, in ten-thousandths.
const LEAST: u32 = 1_000;
const UNIT: u32 = 10_000;

/// Thresholds in ten-thousandths, so that similarity is compared in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Of the prompts.
    pub prompt: u32,
    /// Of the responses.
    pub response: u32,
}

impl Threshold {
    /// The same threshold on both sides, in ten-thousandths.
    pub fn same(value: u32) -> Self {
        Self { prompt: value, response: value }
    }
}

/// A threshold as a number of the plan.
struct Decimal(u32);

impl Decimal {
    fn new<E: de::Error>(value: f64) -> Result<Self, E> {
        let scaled = value * f64::from(UNIT);
        if !(f64::from(LEAST)..=f64::from(UNIT)).contains(&scaled) {
            return Err(E::custom(format_args!("a threshold of {value}: expected a number from 0.1 to 1")));
        }
        if (scaled - scaled.round()).abs() > 1e-6 {
            return Err(E::custom(format_args!("a threshold of {value}: expected at most four decimals")));
        }
        Ok(Self(scaled.round() as u32))
    }

    fn value(ten_thousandths: u32) -> f64 {
        f64::from(ten_thousandths) / f64::from(UNIT)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Threshold;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0.1 to 1, or `prompt` and `response`")
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Threshold, E> {
                Decimal::new(value).map(|value| Threshold::same(value.0))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Threshold, E> {
                self.visit_f64(value as f64)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Threshold, E> {
                self.visit_f64(value as f64)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Threshold, A::Error> {
                let mut sides = [None; 2];
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match &*key {
                        "prompt" => sides[0] = Some(map.next_value::<Decimal>()?.0),
                        "response" => sides[1] = Some(map.next_value::<Decimal>()?.0),
                        // serde_json hands numbers over like this, to keep their spelling.
                        "$serde_json::private::Number" => {
                            let number = map.next_value::<Cow<'de, str>>()?;
                            return self.visit_f64(number.parse().map_err(de::Error::custom)?);
                        }
                        other => return Err(de::Error::unknown_field(other, &["prompt", "response"])),
                    }
                }
                match sides {
                    [Some(prompt), Some(response)] => Ok(Threshold { prompt, response }),
                    [None, _] => Err(de::Error::missing_field("prompt")),
                    [_, None] => Err(de::Error::missing_field("response")),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        if self.prompt == self.response {
            return serializer.serialize_f64(Decimal::value(self.prompt));
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("prompt", &Decimal::value(self.prompt))?;
        map.serialize_entry("response", &Decimal::value(self.response))?;
        map.end()
    }
}

impl JsonSchema for Threshold {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "number", "minimum": 0.1, "maximum": 1},
                {
                    "type": "object",
                    "properties": {
                        "prompt": {"type": "number", "minimum": 0.1, "maximum": 1},
                        "response": {"type": "number", "minimum": 0.1, "maximum": 1}
                    },
                    "required": ["prompt", "response"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

fn shingle<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let value = usize::deserialize(deserializer)?;
    if (1..=16).contains(&value) {
        return Ok(value);
    }
    Err(de::Error::custom(format_args!("a shingle of {value} tokens: expected 1 to 16")))
}

impl<'de> Deserialize<'de> for Near {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Near;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or the settings `threshold`, `shingle` and `mode`")
            }
            fn visit_bool<E>(self, on: bool) -> Result<Near, E> {
                Ok(Near(on.then(NearSettings::default)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Near, A::Error> {
                NearSettings::deserialize(MapAccessDeserializer::new(map)).map(|near| Near(Some(near)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for Near {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_bool(false),
            Some(settings) => settings.serialize(serializer),
        }
    }
}

impl JsonSchema for Near {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Near".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let settings = generator.subschema_for::<NearSettings>();
        json_schema!({"anyOf": [{"type": "boolean"}, settings]})
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(yaml: &str) -> Result<DedupSettings, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn every_spelling_of_near() {
        assert_eq!(read("exact: true").unwrap(), DedupSettings::default());
        assert_eq!(read("near: false").unwrap().near, Near(None));
        assert_eq!(read("near: true").unwrap().near, Near(Some(NearSettings::default())));
        let near = read("near: {threshold: 0.7, mode: prompt}").unwrap().near.0.unwrap();
        assert_eq!((near.threshold, near.shingle, near.mode), (Threshold::same(7_000), 3, Mode::Prompt));
        let near = read("near:\n  threshold: {prompt: 0.9, response: 0.1234}\n").unwrap().near.0.unwrap();
        assert_eq!(near.threshold, Threshold { prompt: 9_000, response: 1_234 });
        assert_eq!(read("near: {threshold: 1}").unwrap().near.0.unwrap().threshold, Threshold::same(UNIT));
    }

    #[test]
    fn wrong_values_are_named() {
        for (yaml, part) in [
            ("near: {threshold: 0.80001}", "at most four decimals"),
            ("near: {threshold: 80}", "from 0.1 to 1"),
            ("near: {threshold: 0}", "from 0.1 to 1"),
            ("near: {shingle: 0}", "expected 1 to 16"),
            ("near: {treshold: 0.8}", "unknown field"),
            ("near: {threshold: {prompt: 0.8}}", "response"),
            ("near: often", "`true`, `false` or the settings"),
            ("keep: second", "first"),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(part), "{yaml}: {error}");
        }
    }

    #[test]
    fn written_and_read_again() {
        for yaml in [
            "near: false",
            "near: true",
            "near: {threshold: {prompt: 0.9, response: 0.75}, mode: sides}",
            "exact: false",
        ] {
            let settings = read(yaml).unwrap();
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<DedupSettings>(&json).unwrap(), settings, "{json}");
        }
        let schema = serde_json::to_string(&schemars::schema_for!(DedupSettings)).unwrap();
        assert!(schema.contains("NearSettings") && schema.contains("anyOf"), "{schema}");
    }
}
