//! From a request to a verified release. Only this module makes a [`Verified`], and only a
//! [`Verified`] can be decrypted.

use sordino_fhe::outputs::Outputs;
use sordino_protocol::{
    canonical::Canonical,
    cost::OperationCounts,
    digest::Digest,
    lower,
    manifest::Manifest,
    policy::{Epsilon, Noise, Policy},
    program::Program,
    query::Query,
    receipt::RefusalReason,
    release::ReleaseRequest,
};

use super::{
    Gate, authentic,
    error::{Refusal, Stop},
    evaluate,
    journal::Subject,
};
use crate::profile::Dataset;

/// A release that passed every check: decrypting it tells what the policy allows, nothing else.
pub(super) struct Verified {
    dataset: Dataset,
    query: Query,
    program: Program,
    outputs: Outputs,
    subject: Subject,
    reevaluated: bool,
    is_hidden: bool,
}

impl Verified {
    pub(super) fn manifest(&self) -> &Manifest {
        &self.dataset.manifest.body
    }
    pub(super) fn policy(&self) -> &Policy {
        &self.dataset.policy
    }
    pub(super) fn query(&self) -> &Query {
        &self.query
    }
    pub(super) fn program(&self) -> &Program {
        &self.program
    }
    pub(super) fn outputs(&self) -> &Outputs {
        &self.outputs
    }
    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }
    pub(super) fn reevaluated(&self) -> bool {
        self.reevaluated
    }
    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden
    }
    /// What the release costs when it is not an answer that was given before.
    pub(super) fn epsilon(&self) -> Epsilon {
        self.policy().epsilon_per_query()
    }
}

impl Gate {
    /// Runs every check on a request.
    pub(super) async fn verify(&self, request: &ReleaseRequest) -> Result<Verified, Stop> {
        let query = authentic::check(request, self.id, &self.platform)?;
        self.check_buyer(request).await?;
        let dataset = self.own_copy(&request.query.dataset)?;
        check_dataset(request, &dataset.manifest.body)?;
        let manifest = &dataset.manifest.body;
        check_policy(request, manifest, &dataset.policy)?;
        let is_hidden = request.hidden.is_some();
        let program = if is_hidden { frame(request, manifest) } else { recompile(request, manifest)? };
        let outputs = self.outputs(request, &program).await?;
        // What a hidden model computes can be neither compiled nor computed again.
        let reevaluated = !is_hidden && evaluate::wanted(self.settings.verify, &program);
        if reevaluated {
            self.compare(manifest, &program, &request.outputs).await?;
        }
        let subject = Subject {
            release: request.id,
            job: request.job,
            buyer: request.buyer,
            buyer_key: request.acceptance.signer,
            lineage: manifest.lineage,
            dataset: dataset.digest,
            query,
            policy: dataset.policy.digest()?,
        };
        Ok(Verified {
            query: request.query.clone(),
            program,
            outputs,
            subject,
            reevaluated,
            is_hidden,
            dataset,
        })
    }

    /// The first key a buyer uses is his; another later is refused.
    async fn check_buyer(&self, request: &ReleaseRequest) -> Result<(), Stop> {
        match self.journal.buyer_key(request.buyer).await? {
            Some(pinned) if pinned != request.acceptance.signer => Err(Refusal::new(
                RefusalReason::NotAuthentic,
                format!(
                    "this buyer has used the key {} before, not {}",
                    pinned.fingerprint(),
                    request.acceptance.signer.fingerprint()
                ),
            )
            .into()),
            _ => Ok(()),
        }
    }

    fn own_copy(&self, digest: &Digest) -> Result<Dataset, Stop> {
        self.profile.dataset(digest)?.ok_or_else(|| {
            let detail = format!("this gate has not published dataset version {digest}");
            Refusal::new(RefusalReason::UnknownDataset, detail).into()
        })
    }
}

/// The receipt must be about the objects of the manifest.
fn check_dataset(request: &ReleaseRequest, manifest: &Manifest) -> Result<(), Refusal> {
    let receipt = &request.receipt.body;
    let mismatch = |detail: &str| Err(Refusal::new(RefusalReason::NotAuthentic, detail));
    if receipt.root != manifest.root {
        return mismatch("the receipt is about other objects than the manifest's");
    }
    let layout = manifest.scan_layout(receipt.parameter_set);
    let evaluation_keys = layout.map(|layout| layout.evaluation_keys);
    if receipt.evaluation_keys != evaluation_keys {
        return mismatch("the receipt names other evaluation keys than the manifest's");
    }
    Ok(())
}

/// The gate's own copy of the policy decides, whatever the platform enforces.
fn check_policy(request: &ReleaseRequest, manifest: &Manifest, policy: &Policy) -> Result<(), Stop> {
    let refuse = |detail: String| Stop::from(Refusal::new(RefusalReason::Policy, detail));
    let query = &request.query;
    // Size first: the rest, and compiling most of all, takes time that grows with it.
    query
        .check_size(&manifest.schema)
        .and_then(|()| query.validate(&manifest.schema))
        .map_err(|error| Refusal::new(RefusalReason::ProgramMismatch, error))?;
    if request.quote.body.policy != policy.digest()? {
        return Err(refuse("the quote was made under another policy than the owner's".to_owned()));
    }
    let values = query.released_values(&manifest.schema);
    if values > policy.max_released_values {
        let limit = policy.max_released_values;
        return Err(refuse(format!("the query releases {values} values; the policy allows {limit}")));
    }
    if request.hidden.is_some() {
        // That there is noise then, the policy was checked for when it was read.
        if policy.models.is_disclosed() {
            return Err(refuse("the policy wants models disclosed".to_owned()));
        }
        if !query.is_veiled() {
            return Err(refuse("of a hidden model only counts of rows by class are released".to_owned()));
        }
    }
    if policy.noise != Noise::None && policy.epsilon_budget.is_none() {
        return Err(refuse("the policy asks for noise and states no epsilon budget".to_owned()));
    }
    Ok(())
}

/// The outputs of a program that is not shown: one count for each group.
fn frame(request: &ReleaseRequest, manifest: &Manifest) -> Program {
    let groups = usize::try_from(request.query.group_count(&manifest.schema)).unwrap_or(usize::MAX);
    Program::of_counts(request.receipt.body.parameter_set, groups)
}

/// Compiles the query and compares the program with the one that was paid for.
fn recompile(request: &ReleaseRequest, manifest: &Manifest) -> Result<Program, Stop> {
    let mismatch = |detail: String| Stop::from(Refusal::new(RefusalReason::ProgramMismatch, detail));
    let program = lower::lower(manifest, &request.query, request.quote.body.layout)
        .map_err(|error| mismatch(error.to_string()))?;
    let digest = program.digest()?;
    let receipt = &request.receipt.body;
    if digest != receipt.program {
        return Err(mismatch(format!("the query compiles to {digest}, not to {}", receipt.program)));
    }
    if program.parameter_set() != receipt.parameter_set {
        return Err(mismatch(format!("the program runs on {}", program.parameter_set())));
    }
    let chunks = manifest.chunks(program.parameter_set());
    if OperationCounts::of(&program, chunks) != receipt.operations {
        return Err(mismatch("the operations are not those of the program".to_owned()));
    }
    Ok(program)
}
