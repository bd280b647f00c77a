//! `peek` and `convert`.

use crate::background::{Abandoned, abandonable};
use crate::errors::Result;
use crate::plan::EffectivePlan;
use corpuskit_core::convert::{self, Converted, Refused, Target};
use corpuskit_core::plan::{Plan, hint};
use corpuskit_core::stage::write::form::Form;
use corpuskit_core::{Error, peek};
use pyo3::prelude::*;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Looks into inputs for some seconds; returns what was found as JSON.
#[pyfunction]
#[pyo3(name = "peek", signature = (plan, inputs, *, seconds=4.0))]
pub fn look(py: Python<'_>, plan: &EffectivePlan, inputs: Vec<String>, seconds: f64) -> Result<String> {
    let budget = Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::plan("seconds", format!("expected a number of at least 0, got {seconds}")))?;
    let plan = plan.plan.clone();
    abandonable(py, move |_| {
        let options = peek::Options { budget, ..peek::Options::default() };
        let found = peek::peek(&inputs, &plan.read, &plan.parse, options)?;
        serde_json::to_string(&found).map_err(|error| Error::Internal(error.to_string()))
    })
}

/// Names that `convert` takes, its own schema of each record last.
const TARGETS: [(&str, Target); 6] = [
    ("messages", Target::Form(Form::Messages)),
    ("openai", Target::Form(Form::Openai)),
    ("alpaca", Target::Form(Form::Alpaca)),
    ("sharegpt", Target::Form(Form::Sharegpt)),
    ("prompt_completion", Target::Form(Form::PromptCompletion)),
    ("own", Target::Own),
];

/// The names that `convert` takes.
#[pyfunction]
pub fn convert_targets() -> Vec<&'static str> {
    TARGETS.iter().map(|(name, _)| *name).collect()
}

/// What a name of `convert_targets` stands for.
pub fn target(to: &str) -> corpuskit_core::Result<Target> {
    let names = TARGETS.map(|(name, _)| name);
    TARGETS.iter().find(|(name, _)| *name == to).map(|(_, target)| *target).ok_or_else(|| {
        let error = Error::plan("to", format!("unknown form `{to}`, expected {}", hint::list(&names)));
        match hint::nearest(to, names) {
            Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
            None => error,
        }
    })
}

/// Converts inputs into a file (or standard output where `output` is None) and, where `refused` is
/// given, writes what was refused into that file; returns the counts as JSON.
#[pyfunction]
#[pyo3(name = "convert", signature = (plan, inputs, output, *, to, refused=None, force=false))]
pub fn transform(
    py: Python<'_>,
    plan: &EffectivePlan,
    inputs: Vec<String>,
    output: Option<PathBuf>,
    to: &str,
    refused: Option<PathBuf>,
    force: bool,
) -> Result<String> {
    let target = target(to)?;
    let plan = plan.plan.clone();
    abandonable(py, move |abandoned| {
        let mut out = Output::create(output.as_deref(), force)?;
        let mut list = refused.as_deref().map(|path| Output::create(Some(path), force)).transpose()?;
        let done = run(&plan, &inputs, target, &mut out, list.as_mut(), abandoned)?;
        out.finish()?;
        if let Some(list) = list {
            list.finish()?;
        }
        Ok(done)
    })
}

/// Refused units that are named in the answer; all are in the file of refused ones.
const SHOWN: usize = 5;

fn run(
    plan: &Plan,
    inputs: &[String],
    target: Target,
    out: &mut Output,
    mut list: Option<&mut Output>,
    abandoned: &Abandoned,
) -> corpuskit_core::Result<String> {
    let mut shown = Vec::new();
    let mut note = |unit: &Refused| {
        if abandoned.is_set() {
            return Err(Error::Interrupted);
        }
        let row = json!({"origin": unit.origin, "reason": unit.reason, "detail": unit.detail});
        if let Some(list) = list.as_deref_mut() {
            writeln!(list.file, "{row}").map_err(|error| Error::io(&list.path, error))?;
        }
        if shown.len() < SHOWN {
            shown.push(row);
        }
        Ok(())
    };
    let done = convert::convert(inputs, &plan.read, &plan.parse, target, &mut out.file, &mut note)?;
    let Converted { units, empty, written, refused } = done;
    let answer = json!({"units": units, "empty": empty, "written": written, "refused": refused, "shown": shown});
    Ok(answer.to_string())
}

/// A file under a temporary name until it is complete, or standard output.
struct Output {
    path: PathBuf,
    partial: Option<PathBuf>,
    file: BufWriter<Box<dyn Write + Send>>,
}

impl Output {
    fn create(path: Option<&Path>, force: bool) -> corpuskit_core::Result<Self> {
        let Some(path) = path else {
            let file: Box<dyn Write + Send> = Box::new(io::stdout());
            return Ok(Self { path: PathBuf::from("standard output"), partial: None, file: BufWriter::new(file) });
        };
        if path.exists() && !force {
            return Err(Error::output(path.display().to_string(), "exists already")
                .with_hint("add `--force` (in Python `force=True`) to overwrite it"));
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        let file = File::create(&partial).map_err(|error| Error::io(&partial, error))?;
        let file: Box<dyn Write + Send> = Box::new(file);
        Ok(Self { path: path.to_owned(), partial: Some(partial), file: BufWriter::with_capacity(1 << 18, file) })
    }

    fn finish(mut self) -> corpuskit_core::Result<()> {
        self.file.flush().map_err(|error| Error::io(&self.path, error))?;
        match self.partial.take() {
            Some(partial) => std::fs::rename(&partial, &self.path).map_err(|error| Error::io(&self.path, error)),
            None => Ok(()),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // Half a file is worse than none.
            let _ = std::fs::remove_file(partial);
        }
    }
}
