//! The per-record stages of a plan, checked and ready.

use crate::Result;
use crate::plan::Plan;
use crate::stage::filter::Filter;
use crate::stage::normalise::Normalise;
use crate::stage::parse::Parser;
use crate::stage::write::form::Form;

/// Everything that a worker needs to know.
pub(super) struct Stages {
    pub parser: Parser,
    pub normalise: Normalise,
    pub filter: Filter,
    pub form: Form,
}

impl Stages {
    /// Builds the stages; a setting that cannot work stops the run here.
    pub fn new(plan: &Plan) -> Result<Self> {
        plan.check()?;
        plan.write.check()?;
        Ok(Self {
            parser: Parser::new(&plan.parse)?,
            normalise: Normalise::new(&plan.normalise)?,
            filter: Filter::new(&plan.filter)?,
            form: plan.write.form,
        })
    }
}
