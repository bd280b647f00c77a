//! The per-record stages of a plan, checked and ready.

use crate::Result;
use crate::plan::Plan;
use crate::stage::dedup::Signer;
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
    /// `None` where the plan looks for no duplicates.
    pub signer: Option<Signer>,
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
            signer: if plan.dedup.is_off() { None } else { Some(Signer::new(&plan.dedup)?) },
        })
    }
}
