"""The HTTP API of Diptych, route by route. Written by `npm run clients`; not by hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import IO, Any, Literal, NotRequired, TypedDict, Union, cast
from urllib.parse import quote

import httpx

Content = Union[str, bytes, Iterable[bytes], IO[bytes]]


class Run(TypedDict):
    id: str
    kind: str
    status: str
    # Whose tasks go first
    priority: Literal["low", "normal", "high"]
    annotationSet: str
    settings: Any
    error: Union[str, None]
    createdAt: str
    finishedAt: Union[str, None]
    stages: list[RunStage]
    # Null once the run has ended, and while it is paused
    secondsLeft: Union[float, None]


class RunStage(TypedDict):
    name: str
    status: str
    # Units of work, such as candidates
    total: int
    done: int
    # Units of failed tasks
    failed: int
    # Of done: candidates that failed alone, see /failures
    dropped: int
    # Finished share, running work included
    fraction: float
    # Later by the time it was paused
    startedAt: Union[str, None]
    finishedAt: Union[str, None]


class Export(TypedDict):
    id: str
    # The run whose candidates it holds
    run: str
    annotationSet: str
    layout: str
    # sha256 over everything that its rows are made from
    version: str
    # Reward, pairs and score versions
    policy: Any
    # Of all files; null until it has succeeded
    bytes: Union[int, None]
    status: str
    error: Union[str, None]
    # Finished share, 0 to 1
    fraction: float
    # Null once it has ended
    secondsLeft: Union[float, None]
    createdAt: str
    finishedAt: Union[str, None]
    # An export is a run: its log, cancel and retry are those of the run of its id
    links: ExportLinks


class ExportLinks(TypedDict):
    """An export is a run: its log, cancel and retry are those of the run of its id"""

    self: str
    events: str
    # POST
    cancel: str
    # POST
    retry: str
    # Null until it has succeeded
    files: Union[str, None]
    manifest: Union[str, None]


class AnnotationSets(TypedDict):
    items: list[AnnotationSet]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class AnnotationSet(TypedDict):
    name: str
    count: int
    createdAt: str


class AnnotationSetAnnotations(TypedDict):
    items: list[Any]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class Runs(TypedDict):
    items: list[Run]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class RunFailures(TypedDict):
    items: list[RunFailure]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class RunFailure(TypedDict):
    imgId: str
    variant: str
    slot: int
    stage: str
    # "image", "scores" (all of them), or the name of the metric
    what: str
    reason: str


class RunTelemetry(TypedDict):
    # The last optimizer step there is an entry of; 0: none yet
    lastStep: int
    # By name; docs/training.md says what each means
    curves: dict[str, RunTelemetryCurvesValue]
    alarms: list[RunTelemetryAlarm]
    # Of those measured after step 0, the one of the highest validation reward; null: none yet
    bestStep: Union[int, None]


class RunTelemetryCurvesValue(TypedDict):
    steps: list[int]
    values: list[float]


class RunTelemetryAlarm(TypedDict):
    step: int
    kind: Literal["no-gradient", "both-sides-drift", "loss-spike", "accuracy-stuck", "reward-below-base"]
    message: str


class RunArtifacts(TypedDict):
    items: list[RunArtifact]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class RunArtifact(TypedDict):
    name: str
    # On the disk of the machine that made it
    path: str
    bytes: int
    # Of a folder: that of what sha256sum prints of its files
    sha256: str
    # Of a folder; to be downloaded below its name
    files: NotRequired[list[RunArtifactFile]]


class RunArtifactFile(TypedDict):
    name: str
    bytes: int
    sha256: str


class DeadLetters(TypedDict):
    items: list[DeadLetter]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class DeadLetter(TypedDict):
    id: str
    runId: str
    stage: str
    # Of the stage, that it stood for
    units: int
    attempts: int
    reason: str
    # img_id of what the run goes on without; empty: it can not go on without this task
    lost: list[str]
    at: str


class Workers(TypedDict):
    items: list[Worker]


class Worker(TypedDict):
    worker: Literal["generate", "score", "train"]
    host: str
    pid: int
    # quiet: not heard of for 15 seconds
    state: Literal["working", "idle", "quiet"]
    startedAt: str
    seenAt: str
    # Bytes when it was last seen
    memory: Union[int, None]
    task: Union[WorkerTask, None]


class WorkerTask(TypedDict):
    runId: str
    stage: str
    # Finished share
    progress: float
    attempt: int


class RunCandidates(TypedDict):
    items: list[RunCandidate]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class RunCandidate(TypedDict):
    id: str
    imgId: str
    prompt: str
    variant: str
    slot: int
    # Null: imported, and unknown
    seed: Union[int, None]
    # The image is at /v1/blobs/SHA256
    sha256: str
    width: int
    height: int
    generation: Any
    # Raw values by metric
    scores: dict[str, float]


class RunItems(TypedDict):
    items: list[RunItem]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class RunItem(TypedDict):
    imgId: str
    prompt: str
    # Of its items, each once
    labels: list[str]
    # Predicates, each once
    relations: list[str]
    candidates: list[RunItemCandidate]
    # What failed alone of it: "image", or a metric; see /failures
    failed: list[str]


class RunItemCandidate(TypedDict):
    id: str
    slot: int
    # Null: imported, and unknown
    seed: Union[int, None]
    # The image is at /v1/blobs/SHA256
    sha256: str
    width: int
    height: int
    # Raw values by metric
    scores: dict[str, float]


class RunExports(TypedDict):
    items: list[Export]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class ExportFiles(TypedDict):
    items: list[ExportFile]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class ExportFile(TypedDict):
    name: str
    bytes: int
    sha256: str
    link: str


class RunQuality(TypedDict):
    # The export that it was made as
    export: str
    # Dataset version that it is about
    version: str
    # docs/quality.md says what each number means
    report: Any
    # What failed and why, the most frequent first, at most 50
    failures: list[RunQualityFailure]


class RunQualityFailure(TypedDict):
    stage: str
    # "image", or the name of the metric
    what: str
    reason: str
    count: int


class RunVotesNext(TypedDict):
    items: list[RunVotesNextItem]
    # Answered by this voter in this mode
    judged: int
    total: int
    # What to undo
    lastVote: Union[str, None]


class RunVotesNextItem(TypedDict):
    imgId: str
    prompt: str
    annotation: Any
    # The images in the order in which to show them
    shown: list[RunVotesNextItemShown]


class RunVotesNextItemShown(TypedDict):
    id: str
    # The image is at /v1/blobs/SHA256
    sha256: str
    width: int
    height: int


class RunVotes(TypedDict):
    items: list[RunVote]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class RunVote(TypedDict):
    id: str
    annotationId: str
    voter: str
    mode: str
    # In the order of variant and slot
    candidates: list[str]
    shown: list[str]
    outcome: str
    ranking: list[str]
    seconds: float
    revision: int
    createdAt: str


class RunVotesSummary(TypedDict):
    # Of the votes; `votes` of an export takes it
    revision: int
    modes: RunVotesSummaryModes
    voters: list[RunVotesSummaryVoter]
    # Of answers that prefer one of two images: how often it stood on the left
    left: RunVotesSummaryLeft
    # Pairs of curated candidates that somebody compared
    judged: int
    # Those of them where people prefer one
    decided: int
    agreement: RunVotesSummaryAgreement
    # Decided pairs where the run's reward prefers the same candidate
    machine: RunVotesSummaryMachine
    study: Union[RunVotesSummaryStudy, None]


class RunVotesSummaryModes(TypedDict):
    pair: RunVotesSummaryModesPair
    rank: RunVotesSummaryModesPair
    study: RunVotesSummaryModesPair


class RunVotesSummaryModesPair(TypedDict):
    comparisons: int
    votes: int


class RunVotesSummaryVoter(TypedDict):
    voter: str
    votes: int
    pair: int
    rank: int
    study: int
    outcomes: RunVotesSummaryVoterOutcomes
    medianSeconds: float
    machine: RunVotesSummaryVoterMachine


RunVotesSummaryVoterOutcomes = TypedDict("RunVotesSummaryVoterOutcomes", {
    "ranking": "int",
    "both-good": "int",
    "both-bad": "int",
})


class RunVotesSummaryVoterMachine(TypedDict):
    count: int
    share: Union[float, None]
    # 95%, by Wilson
    interval95: Union[list[float], None]


class RunVotesSummaryLeft(TypedDict):
    """Of answers that prefer one of two images: how often it stood on the left"""

    count: int
    share: Union[float, None]
    # 95%, by Wilson
    interval95: Union[list[float], None]


class RunVotesSummaryAgreement(TypedDict):
    voters: list[RunVotesSummaryAgreementVoter]
    # Cohen's for two voters, the mean over every two of more
    kappa: Union[float, None]


class RunVotesSummaryAgreementVoter(TypedDict):
    # Two
    voters: list[str]
    # Pairs of images that both judged
    count: int
    agreement: float
    kappa: Union[float, None]


class RunVotesSummaryMachine(TypedDict):
    """Decided pairs where the run's reward prefers the same candidate"""

    count: int
    share: Union[float, None]
    # 95%, by Wilson
    interval95: Union[list[float], None]


class RunVotesSummaryStudy(TypedDict):
    annotations: int
    votes: int
    base: int
    tuned: int
    neither: int
    winRate: Union[float, None]
    # 95%, by Wilson
    interval95: Union[list[float], None]
    agreement: RunVotesSummaryAgreement


class Webhooks(TypedDict):
    items: list[Webhook]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class Webhook(TypedDict):
    id: str
    url: str
    createdAt: str


class WebhookDeliveries(TypedDict):
    items: list[WebhookDelivery]
    # Cursor of the next page; null at the end
    next: Union[str, None]


class WebhookDelivery(TypedDict):
    # As the header diptych-delivery
    id: str
    tries: int
    # Of the next try; null once it has arrived or was given up
    dueAt: Union[str, None]
    # Null until it has arrived
    deliveredAt: Union[str, None]
    # Of the last try
    error: Union[str, None]


class Session(TypedDict):
    # Whether this service asks for keys
    needsKey: bool
    # What the caller may do; null: nothing before it has shown a key
    scope: Union[Literal["read", "write", "admin"], None]


class PostAnnotationSetAnnotations(TypedDict):
    # Records in the body
    received: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    # The first 1000
    rejections: list[PostAnnotationSetAnnotationsRejection]


class PostAnnotationSetAnnotationsRejection(TypedDict):
    # Line of the (unpacked) body where the record starts
    line: int
    # Path of the wrong field; empty: the record as a whole
    field: str
    reason: str


class PostAnnotationSetPrompts(TypedDict):
    # Prompts in the file
    received: int
    inserted: int
    updated: int
    unchanged: int


class PutUpload(TypedDict):
    bytes: int
    sha256: str


class PostWebhooks(TypedDict):
    id: str
    url: str
    createdAt: str
    # Signs what is sent; shown this once
    secret: str


class RunsRequest(TypedDict):
    # What to do
    kind: Literal["curate", "train", "curate-then-train", "evaluate"]
    # Name of the annotation set
    annotationSet: str
    settings: NotRequired[RunsRequestSettings]
    # Whose tasks go first where several runs share the workers (docs/sharing.md); default "normal"
    priority: NotRequired[Literal["low", "normal", "high"]]


class RunsRequestSettings(TypedDict):
    # Decides every random choice of the run; default 1
    seed: NotRequired[int]
    # Text-to-image model: "sample", or a folder in diffusers layout on the server; default "sample"
    model: NotRequired[str]
    # CLIPModel for CLIP score: "sample" or a folder; default "sample"
    clip: NotRequired[str]
    # CLIPModel for PickScore: "sample" or a folder; default "sample"
    pick: NotRequired[str]
    # Images per annotation; default 4
    candidates: NotRequired[int]
    # Share of the annotations kept out of curation and training, for evaluation; default 0.2
    heldOutFraction: NotRequired[float]
    sampling: NotRequired[RunsRequestSettingsSampling]
    generator: NotRequired[RunsRequestSettingsGenerator]
    scoring: NotRequired[RunsRequestSettingsScoring]
    reward: NotRequired[RunsRequestSettingsReward]
    pairs: NotRequired[RunsRequestSettingsPairs]
    train: NotRequired[RunsRequestSettingsTrain]
    evaluation: NotRequired[RunsRequestSettingsEvaluation]
    # train: the run whose candidates are used; evaluate: the run whose tuned model is used
    sourceRun: NotRequired[str]
    # evaluate: two models, in the place of sourceRun
    compare: NotRequired[RunsRequestSettingsCompare]


class RunsRequestSettingsSampling(TypedDict):
    # DDIM steps; default 20
    steps: NotRequired[int]
    # Classifier-free guidance scale; 1: none; default 3
    guidance: NotRequired[float]


class RunsRequestSettingsGenerator(TypedDict):
    # What the server speaks
    api: Literal["automatic1111", "openai-images"]
    # Base URL: http://127.0.0.1:7860, https://api.openai.com/v1; credentials come from the environment (docs/remote.md)
    url: str
    # Requests at once; default 4
    concurrency: NotRequired[int]
    # For one try; default 300
    timeoutSeconds: NotRequired[int]
    # Of one request, with growing waits between them; default 5
    tries: NotRequired[int]
    # Its name there; absent: the server's own choice
    model: NotRequired[str]
    # Pixels of every image; default 512
    width: NotRequired[int]
    # Pixels of every image; default 512
    height: NotRequired[int]
    # automatic1111 alone; default ""
    negativePrompt: NotRequired[str]
    # automatic1111 alone: its name there; default "DDIM"
    sampler: NotRequired[str]


class RunsRequestSettingsScoring(TypedDict):
    # fixed: known defects of the benchmarks mended; compat: bug for bug; default "fixed"
    mode: NotRequired[Literal["fixed", "compat"]]
    # Answers questions: "sample" (the sample world's reader), or a BLIP-VQA folder; default "sample"
    answerer: NotRequired[str]
    endpoint: NotRequired[RunsRequestSettingsScoringEndpoint]
    # Finds objects: "sample" (the sample world's reader), or an OWL-ViT folder; default "sample"
    detector: NotRequired[str]
    # Folder of HPSv2 (a CLIP), for the metric hpsv2; absent: not measured
    hps: NotRequired[str]
    # Folder of LAION's aesthetic predictor, for the metric aesthetic; absent: not measured
    aesthetic: NotRequired[str]
    # Folder of ImageReward, for the metric image-reward; absent: not measured
    imageReward: NotRequired[str]


class RunsRequestSettingsScoringEndpoint(TypedDict):
    # Base URL of a server with OpenAI chat completions: https://api.openai.com/v1; credentials come from the environment (docs/remote.md)
    url: str
    # Requests at once; default 4
    concurrency: NotRequired[int]
    # For one try; default 60
    timeoutSeconds: NotRequired[int]
    # Of one request, with growing waits between them; default 5
    tries: NotRequired[int]
    # Its name there
    model: str


class RunsRequestSettingsReward(TypedDict):
    # How metrics become one number; default "mean"
    policy: NotRequired[Literal["mean", "zmean", "dominance"]]
    # Weight of each metric (dpg, sg-iou, entity-iou, relation-iou, t2i-blip-vqa, t2i-2d-spatial, t2i-clip, clip-score, pickscore, hpsv2, aesthetic, image-reward, t2i-3in1); metrics not named have no say
    weights: NotRequired[dict[str, float]]


class RunsRequestSettingsPairs(TypedDict):
    # Which candidates are compared; default "all"
    policy: NotRequired[Literal["all", "best-worst", "best-rest"]]
    # Largest difference of rewards that is a tie; default 0.05
    margin: NotRequired[float]
    # What becomes of ties; default "drop"
    ties: NotRequired[Literal["drop", "keep"]]


class RunsRequestSettingsTrain(TypedDict):
    # What is minimised (docs/training.md); default "inversion-dpo"
    objective: NotRequired[Literal["inversion-dpo", "diffusion-dpo", "inpo", "smpo", "dspo", "kto", "mapo", "sft", "ddpo", "d3po"]]
    # Form of inversion-dpo (docs/training.md); default "shared-noise"
    form: NotRequired[Literal["shared-noise", "published", "negated", "transition", "endpoint"]]
    # Grid points that a transition spans; default 4
    stride: NotRequired[int]
    # Of inversion-dpo; left out: the released ones in its published forms, else none
    timestepWeights: NotRequired[Literal["none", "one-over-2-alpha-bar", "b-over-a-squared"]]
    # Timesteps of a pair in a step; left out: all in the published forms of inversion-dpo, else 1
    rowsPerPair: NotRequired[Union[int, Literal["trajectory"]]]
    # Pairs count by their difference of rewards; default false
    rewardWeighted: NotRequired[bool]
    # Tie to the reference, of mapo and dspo the weight of the preference; left out: the objective's own (docs/training.md)
    beta: NotRequired[float]
    # Guidance of inversion, predictions and the images that ddpo and d3po draw; left out: the objective's own (docs/training.md)
    guidance: NotRequired[float]
    # Grid points of a trajectory; default 20
    inversionSteps: NotRequired[int]
    # Of them, evenly spaced, that are stored and trained on: less disk; left out: all
    keptTimesteps: NotRequired[int]
    # Optimizer steps; default 200
    steps: NotRequired[int]
    # Pairs per optimizer step; of ddpo and d3po two sampling steps for each; default 16
    pairsPerStep: NotRequired[int]
    # Parts that the pairs of a step are computed in: less memory, the same step; default 1
    accumulate: NotRequired[int]
    # adafactor: no first moment, less memory; default "adamw"
    optimizer: NotRequired[Literal["adamw", "adafactor"]]
    # After warm-up; default 0.000015
    learningRate: NotRequired[float]
    # Steps over which the learning rate rises; default 20
    warmUp: NotRequired[int]
    # Of the learning rate after warm-up; default "constant"
    schedule: NotRequired[Literal["constant", "cosine"]]
    # Of the optimizer; default 0.01
    weightDecay: NotRequired[float]
    # Longer gradients are scaled down to it; default 1
    maxGradNorm: NotRequired[float]
    # Decay of an average of the weights, which is then the tuned model; left out: no average
    ema: NotRequired[float]
    # Weights that stay as they are: patterns of UNet names, * for anything; not with lora
    freeze: NotRequired[list[str]]
    # Steps between checkpoints; of ddpo and d3po the first end of a round behind them; default 50
    checkpointEvery: NotRequired[int]
    # Less memory for up to a third more time; default false
    gradientCheckpointing: NotRequired[bool]
    # Of matrix products and convolutions in a step; bfloat16: of a processor or GPU that has it; default "float32"
    precision: NotRequired[Literal["float32", "bfloat16"]]
    # Rounds of ddpo and d3po: draw, score, train; left out: the defaults
    onPolicy: NotRequired[RunsRequestSettingsTrainOnPolicy]
    # Trainer of the server that trains instead, by its name (docs/external-trainers.md)
    external: NotRequired[str]
    # Train a LoRA; left out: all weights
    lora: NotRequired[RunsRequestSettingsTrainLora]
    # Measure the model while it trains, and keep its best checkpoint; left out: never
    validation: NotRequired[RunsRequestSettingsTrainValidation]


class RunsRequestSettingsTrainOnPolicy(TypedDict):
    """Rounds of ddpo and d3po: draw, score, train; left out: the defaults"""

    # DDIM steps of an image, with eta 1; default 20
    samplingSteps: NotRequired[int]
    # Annotations of a round; each is drawn twice; default 16
    scenesPerRound: NotRequired[int]
    # Optimizer steps on a round before the next one is drawn; default 2
    stepsPerRound: NotRequired[int]


class RunsRequestSettingsTrainLora(TypedDict):
    """Train a LoRA; left out: all weights"""

    # Of the changed weights; default 8
    rank: NotRequired[int]
    # Changes are scaled by alpha / rank; left out: by 1
    alpha: NotRequired[float]
    # Adapt convolutions as well as attention layers; default false
    convolutions: NotRequired[bool]


class RunsRequestSettingsTrainValidation(TypedDict):
    """Measure the model while it trains, and keep its best checkpoint; left out: never"""

    # Steps between measurements; the base and the last step are measured too; default 50
    every: NotRequired[int]
    # Curated annotations to draw and measure, which then make no pairs; default 32
    annotations: NotRequired[int]
    # The tuned model: the best measured step by reward, or the last step; default "best"
    tuned: NotRequired[Literal["best", "last"]]


class RunsRequestSettingsEvaluation(TypedDict):
    # Images per held-out annotation and model; default 1
    samples: NotRequired[int]
    # pytorch-fid's weights as a safetensors file; absent: no FID
    inception: NotRequired[str]
    # Draw the tuned side's images with a sampling demon that follows the reward; left out: as the base's
    demon: NotRequired[RunsRequestSettingsEvaluationDemon]
    # Folder of photographs (PNG, JPEG, WebP) to take Frechet distances from; absent: not measured
    realImages: NotRequired[str]


class RunsRequestSettingsEvaluationDemon(TypedDict):
    """Draw the tuned side's images with a sampling demon that follows the reward; left out: as the base's"""

    # Tried in each step, every one with a scored image; default 16
    noises: NotRequired[int]
    # Of the noises by their rewards; default "tanh"
    weighting: NotRequired[Literal["tanh", "boltzmann"]]
    # In units of the reward; left out: the deviation of a step's rewards
    temperature: NotRequired[float]


class RunsRequestSettingsCompare(TypedDict):
    """evaluate: two models, in the place of sourceRun"""

    # "sample", a folder in diffusers layout on the server, or the folder of a LoRA, which is laid over settings.model
    base: str
    # Likewise
    tuned: str


class RunPriorityRequest(TypedDict):
    # Whose tasks go first
    priority: Literal["low", "normal", "high"]


class RunExportsRequest(TypedDict):
    # What to write (docs/exports.md)
    layout: Literal["images", "pickapic", "binarized", "image-reward", "hpdv3", "folders", "webdataset", "scores", "arrow", "quality"]
    # Absent: the run's own
    reward: NotRequired[RunExportsRequestReward]
    # Absent: the run's own
    pairs: NotRequired[RunExportsRequestPairs]
    # Which scores count, by metric, as "MODE/VERSION"; metrics not named: the newest
    scores: NotRequired[dict[str, str]]
    # Candidates to leave out, each with its reason in dropped.jsonl; absent: none
    filters: NotRequired[RunExportsRequestFilters]
    # Revision of the votes that count, 0 for none; absent: those that stand now (docs/votes.md)
    votes: NotRequired[int]
    # Library that writes Parquet; default "hyparquet-writer"
    writer: NotRequired[Literal["hyparquet-writer", "parquetjs-lite"]]
    # Dataset version that must come out; a conflict when the data gives another one
    version: NotRequired[str]


class RunExportsRequestReward(TypedDict):
    """Absent: the run's own"""

    # How metrics become one number; default "mean"
    policy: NotRequired[Literal["mean", "zmean", "dominance"]]
    # Weight of each metric (dpg, sg-iou, entity-iou, relation-iou, t2i-blip-vqa, t2i-2d-spatial, t2i-clip, clip-score, pickscore, hpsv2, aesthetic, image-reward, t2i-3in1); metrics not named have no say
    weights: NotRequired[dict[str, float]]


class RunExportsRequestPairs(TypedDict):
    """Absent: the run's own"""

    # Which candidates are compared; default "all"
    policy: NotRequired[Literal["all", "best-worst", "best-rest"]]
    # Largest difference of rewards that is a tie; default 0.05
    margin: NotRequired[float]
    # What becomes of ties; default "drop"
    ties: NotRequired[Literal["drop", "keep"]]


class RunExportsRequestFilters(TypedDict):
    """Candidates to leave out, each with its reason in dropped.jsonl; absent: none"""

    # Candidates below it are left out
    minReward: NotRequired[float]
    # The same for raw scores, by metric
    minScores: NotRequired[dict[str, float]]
    # Images whose difference hash is at most this many of 64 bits away from an earlier one are left out
    nearDuplicates: NotRequired[int]


ImportsRequest = TypedDict("ImportsRequest", {
    "as": "Literal[\"pickapic\", \"diptych\", \"images\"]",
    "annotationSet": "str",
    "path": "NotRequired[str]",
    "upload": "NotRequired[str]",
    "score": "NotRequired[bool]",
    "settings": "NotRequired[ImportsRequestSettings]",
})


class ImportsRequestSettings(TypedDict):
    """How images are scored, and what runs and exports take as reward and pairs"""

    # CLIPModel for CLIP score: "sample" or a folder; default "sample"
    clip: NotRequired[str]
    # CLIPModel for PickScore: "sample" or a folder; default "sample"
    pick: NotRequired[str]
    scoring: NotRequired[RunsRequestSettingsScoring]
    reward: NotRequired[RunsRequestSettingsReward]
    pairs: NotRequired[RunsRequestSettingsPairs]


class RunVotesRequest(TypedDict):
    # Name of who votes: 1 to 60 characters, none of them a space at the ends
    voter: str
    # Candidates as they were shown, from the left
    shown: list[str]
    # both-good, both-bad: none is better
    outcome: Literal["ranking", "both-good", "both-bad"]
    # All of them, best first; empty unless the outcome is "ranking"
    ranking: list[str]
    # From when the images could be seen to the answer
    seconds: float


class WebhooksRequest(TypedDict):
    url: str


class SessionRequest(TypedDict):
    key: str


class Api(ABC):
    """Calls of the service, one a route. Each raises ApiError for what the service refuses."""

    @abstractmethod
    def request(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None, content: Content | None = None
    ) -> httpx.Response: ...

    def get_annotation_sets(self, *, cursor: str | None = None, limit: int | None = None) -> AnnotationSets:
        """GET /v1/annotation-sets"""
        return cast(AnnotationSets, self.request("GET", f"/v1/annotation-sets", params={"cursor": cursor, "limit": limit}).json())

    def get_annotation_set_annotations(self, name: str, *, cursor: str | None = None, limit: int | None = None) -> AnnotationSetAnnotations:
        """GET /v1/annotation-sets/{name}/annotations"""
        return cast(AnnotationSetAnnotations, self.request("GET", f"/v1/annotation-sets/{quote(name, safe='')}/annotations", params={"cursor": cursor, "limit": limit}).json())

    def post_annotation_set_annotations(self, name: str, content: Content) -> PostAnnotationSetAnnotations:
        """Ingest LAION-SG annotations. NDJSON or a JSON array, gzip or not, of any length. Records are upserted by img_id; a bad one is reported and stored nowhere, and stops no other. POST /v1/annotation-sets/{name}/annotations"""
        return cast(PostAnnotationSetAnnotations, self.request("POST", f"/v1/annotation-sets/{quote(name, safe='')}/annotations", content=content).json())

    def post_annotation_set_prompts(self, name: str, content: Content, *, format: Literal["dpg-bench", "t2i-compbench"], category: Literal["color", "shape", "texture", "spatial", "3d_spatial", "numeracy", "non_spatial", "complex"] | None = None) -> PostAnnotationSetPrompts:
        """Take a benchmark's prompts as annotations. DPG-Bench's CSV or a prompt file of T2I-CompBench, gzip or not. All of the file is stored, or none of it and the answer tells line and column of what is wrong. POST /v1/annotation-sets/{name}/prompts"""
        return cast(PostAnnotationSetPrompts, self.request("POST", f"/v1/annotation-sets/{quote(name, safe='')}/prompts", params={"format": format, "category": category}, content=content).json())

    def get_runs(self, *, cursor: str | None = None, limit: int | None = None) -> Runs:
        """GET /v1/runs"""
        return cast(Runs, self.request("GET", f"/v1/runs", params={"cursor": cursor, "limit": limit}).json())

    def post_runs(self, body: RunsRequest) -> Run:
        """Ask for a run. POST /v1/runs"""
        return cast(Run, self.request("POST", f"/v1/runs", json=body).json())

    def get_run(self, run: str) -> Run:
        """GET /v1/runs/{id}"""
        return cast(Run, self.request("GET", f"/v1/runs/{quote(run, safe='')}").json())

    def post_run_cancel(self, run: str) -> Run:
        """Stop a run. POST /v1/runs/{id}/cancel"""
        return cast(Run, self.request("POST", f"/v1/runs/{quote(run, safe='')}/cancel").json())

    def post_run_pause(self, run: str) -> Run:
        """Keep the tasks of a run from the workers. POST /v1/runs/{id}/pause"""
        return cast(Run, self.request("POST", f"/v1/runs/{quote(run, safe='')}/pause").json())

    def post_run_resume(self, run: str) -> Run:
        """Let a paused run go on. POST /v1/runs/{id}/resume"""
        return cast(Run, self.request("POST", f"/v1/runs/{quote(run, safe='')}/resume").json())

    def post_run_retry(self, run: str) -> Run:
        """Try what failed in a failed run again. POST /v1/runs/{id}/retry"""
        return cast(Run, self.request("POST", f"/v1/runs/{quote(run, safe='')}/retry").json())

    def post_run_priority(self, run: str, body: RunPriorityRequest) -> Run:
        """Let the tasks of a run go before or behind those of others. POST /v1/runs/{id}/priority"""
        return cast(Run, self.request("POST", f"/v1/runs/{quote(run, safe='')}/priority", json=body).json())

    def get_run_events(self, run: str) -> httpx.Response:
        """The log of a run as server-sent events. Starts at the first event, or after the one named by the header Last-Event-ID; ends when the run has ended. GET /v1/runs/{id}/events"""
        return self.request("GET", f"/v1/runs/{quote(run, safe='')}/events")

    def get_run_failures(self, run: str, *, cursor: str | None = None, limit: int | None = None) -> RunFailures:
        """Candidates that failed alone, with the reason of each. GET /v1/runs/{id}/failures"""
        return cast(RunFailures, self.request("GET", f"/v1/runs/{quote(run, safe='')}/failures", params={"cursor": cursor, "limit": limit}).json())

    def get_run_telemetry(self, run: str, *, max_points: int | None = None, buckets: bool | None = None) -> RunTelemetry:
        """Curves of the training, also while it runs. Longer curves than `maxPoints` are cut into spans, of which the least and the greatest value are kept. GET /v1/runs/{id}/telemetry"""
        return cast(RunTelemetry, self.request("GET", f"/v1/runs/{quote(run, safe='')}/telemetry", params={"maxPoints": max_points, "buckets": buckets}).json())

    def get_run_validation(self, run: str, step: str) -> httpx.Response:
        """Images of the first validation scenes after a measured step of the training, as one PNG. GET /v1/runs/{id}/validation/{step}"""
        return self.request("GET", f"/v1/runs/{quote(run, safe='')}/validation/{quote(step, safe='')}")

    def get_run_artifacts(self, run: str, *, cursor: str | None = None, limit: int | None = None) -> RunArtifacts:
        """GET /v1/runs/{id}/artifacts"""
        return cast(RunArtifacts, self.request("GET", f"/v1/runs/{quote(run, safe='')}/artifacts", params={"cursor": cursor, "limit": limit}).json())

    def get_run_artifact(self, run: str, file: str) -> httpx.Response:
        """Download an artifact that is a file, or a range of it. GET /v1/runs/{id}/artifacts/{*}"""
        return self.request("GET", f"/v1/runs/{quote(run, safe='')}/artifacts/{quote(file, safe='/')}")

    def get_dead_letters(self, *, cursor: str | None = None, limit: int | None = None) -> DeadLetters:
        """Tasks of all runs that were given up, with the reason of each, the newest first. GET /v1/dead-letters"""
        return cast(DeadLetters, self.request("GET", f"/v1/dead-letters", params={"cursor": cursor, "limit": limit}).json())

    def post_dead_letter_retry(self, dead_letter: str) -> None:
        """Try one of them again, while its run has not gone on without it. POST /v1/dead-letters/{id}/retry"""
        self.request("POST", f"/v1/dead-letters/{quote(dead_letter, safe='')}/retry")

    def get_workers(self) -> Workers:
        """Worker processes on all machines: when each was last seen, and what it is at. GET /v1/workers"""
        return cast(Workers, self.request("GET", f"/v1/workers").json())

    def get_run_candidates(self, run: str, *, cursor: str | None = None, limit: int | None = None, variant: Literal["curated", "base", "tuned"] | None = None) -> RunCandidates:
        """GET /v1/runs/{id}/candidates"""
        return cast(RunCandidates, self.request("GET", f"/v1/runs/{quote(run, safe='')}/candidates", params={"cursor": cursor, "limit": limit, "variant": variant}).json())

    def get_candidate(self, candidate: str) -> Any:
        """A candidate with the evidence of its scores. GET /v1/candidates/{id}"""
        return cast(Any, self.request("GET", f"/v1/candidates/{quote(candidate, safe='')}").json())

    def get_blob(self, sha256: str, *, width: Union[Literal[64], Literal[128], Literal[256], Literal[512]] | None = None) -> httpx.Response:
        """An image by its content hash. GET /v1/blobs/{sha256}"""
        return self.request("GET", f"/v1/blobs/{quote(sha256, safe='')}", params={"width": width})

    def get_run_scores_arrow(self, run: str, *, variant: Literal["curated", "base", "tuned"] | None = None, columns: str | None = None) -> httpx.Response:
        """All scores as an Arrow stream: a row per candidate and metric. GET /v1/runs/{id}/scores.arrow"""
        return self.request("GET", f"/v1/runs/{quote(run, safe='')}/scores.arrow", params={"variant": variant, "columns": columns})

    def get_run_rewards_arrow(self, run: str, *, columns: str | None = None, reward: str | None = None, scores: str | None = None) -> httpx.Response:
        """Curated candidates with scores and reward as an Arrow stream. GET /v1/runs/{id}/rewards.arrow"""
        return self.request("GET", f"/v1/runs/{quote(run, safe='')}/rewards.arrow", params={"columns": columns, "reward": reward, "scores": scores})

    def get_run_pairs_arrow(self, run: str, *, columns: str | None = None, reward: str | None = None, scores: str | None = None, pairs: str | None = None) -> httpx.Response:
        """Pairs of curated candidates as an Arrow stream. GET /v1/runs/{id}/pairs.arrow"""
        return self.request("GET", f"/v1/runs/{quote(run, safe='')}/pairs.arrow", params={"columns": columns, "reward": reward, "scores": scores, "pairs": pairs})

    def get_run_items(self, run: str, *, cursor: str | None = None, limit: int | None = None, variant: Literal["curated", "base", "tuned"] | None = None) -> RunItems:
        """Annotations of a run with raw scores of their candidates, without evidence. In the order of img_id. Rewards and pairs follow from the scores and the policy that one likes. GET /v1/runs/{id}/items"""
        return cast(RunItems, self.request("GET", f"/v1/runs/{quote(run, safe='')}/items", params={"cursor": cursor, "limit": limit, "variant": variant}).json())

    def get_run_exports(self, run: str, *, cursor: str | None = None, limit: int | None = None) -> RunExports:
        """Exports of a run. GET /v1/runs/{id}/exports"""
        return cast(RunExports, self.request("GET", f"/v1/runs/{quote(run, safe='')}/exports", params={"cursor": cursor, "limit": limit}).json())

    def post_run_exports(self, run: str, body: RunExportsRequest) -> Export:
        """Ask for a run's candidates in a layout. 201: a new export. 200: the same version was asked for in this layout before, and this is it. The version is computed here, from all annotations and scores of the run. POST /v1/runs/{id}/exports"""
        return cast(Export, self.request("POST", f"/v1/runs/{quote(run, safe='')}/exports", json=body).json())

    def get_exports(self, *, cursor: str | None = None, limit: int | None = None) -> RunExports:
        """Exports of all runs, newest first. GET /v1/exports"""
        return cast(RunExports, self.request("GET", f"/v1/exports", params={"cursor": cursor, "limit": limit}).json())

    def get_export(self, export: str) -> Export:
        """GET /v1/exports/{id}"""
        return cast(Export, self.request("GET", f"/v1/exports/{quote(export, safe='')}").json())

    def delete_export(self, export: str) -> None:
        """Delete an export with its files, or give up one that is under way. DELETE /v1/exports/{id}"""
        self.request("DELETE", f"/v1/exports/{quote(export, safe='')}")

    def get_export_files(self, export: str, *, cursor: str | None = None, limit: int | None = None) -> ExportFiles:
        """Files of an export, with size and SHA-256; none until it has succeeded. GET /v1/exports/{id}/files"""
        return cast(ExportFiles, self.request("GET", f"/v1/exports/{quote(export, safe='')}/files", params={"cursor": cursor, "limit": limit}).json())

    def get_export_file(self, export: str, file: str) -> httpx.Response:
        """Download a file, or a range of it. Range, If-Range and If-None-Match are heeded; the ETag is the SHA-256. GET /v1/exports/{id}/files/{*}"""
        return self.request("GET", f"/v1/exports/{quote(export, safe='')}/files/{quote(file, safe='/')}")

    def get_run_quality(self, run: str, *, version: str | None = None) -> RunQuality:
        """The newest quality report of a run's candidates. Images are decoded for it, so it is made as an export: POST /v1/runs/{id}/exports {"layout": "quality"}. GET /v1/runs/{id}/quality"""
        return cast(RunQuality, self.request("GET", f"/v1/runs/{quote(run, safe='')}/quality", params={"version": version}).json())

    def post_imports(self, body: ImportsRequest) -> Run:
        """Import images with what is known of them. An import is a run: its id is that of the run, whose routes watch, cancel and retry it. Nothing of it is in the store before all of it is. POST /v1/imports"""
        return cast(Run, self.request("POST", f"/v1/imports", json=body).json())

    def delete_upload(self, name: str) -> None:
        """Remove the files of an upload; what was imported of them stays. DELETE /v1/uploads/{name}"""
        self.request("DELETE", f"/v1/uploads/{quote(name, safe='')}")

    def put_upload(self, name: str, file: str, content: Content) -> PutUpload:
        """Send a file of an upload, of any length; one of the same name is replaced. PUT /v1/uploads/{name}/{*}"""
        return cast(PutUpload, self.request("PUT", f"/v1/uploads/{quote(name, safe='')}/{quote(file, safe='/')}", content=content).json())

    def get_run_votes_next(self, run: str, *, voter: str, mode: Literal["pair", "rank", "study"] | None = None, limit: int | None = None) -> RunVotesNext:
        """What a voter is asked next. The first comparisons that the voter has not answered, to show the first and load the others. Asked again before an answer, they are the same, with the images in the same places. GET /v1/runs/{id}/votes/next"""
        return cast(RunVotesNext, self.request("GET", f"/v1/runs/{quote(run, safe='')}/votes/next", params={"voter": voter, "mode": mode, "limit": limit}).json())

    def get_run_votes(self, run: str, *, cursor: str | None = None, limit: int | None = None) -> RunVotes:
        """Votes that stand, in the order in which they were given. GET /v1/runs/{id}/votes"""
        return cast(RunVotes, self.request("GET", f"/v1/runs/{quote(run, safe='')}/votes", params={"cursor": cursor, "limit": limit}).json())

    def post_run_votes(self, run: str, body: RunVotesRequest) -> RunVote:
        """Vote; the same vote sent again changes nothing. POST /v1/runs/{id}/votes"""
        return cast(RunVote, self.request("POST", f"/v1/runs/{quote(run, safe='')}/votes", json=body).json())

    def delete_run_vote(self, run: str, vote: str) -> None:
        """Undo a vote. DELETE /v1/runs/{id}/votes/{vote}"""
        self.request("DELETE", f"/v1/runs/{quote(run, safe='')}/votes/{quote(vote, safe='')}")

    def get_run_votes_summary(self, run: str) -> RunVotesSummary:
        """Counts, times, agreement, and the result of a user study (docs/votes.md). GET /v1/runs/{id}/votes/summary"""
        return cast(RunVotesSummary, self.request("GET", f"/v1/runs/{quote(run, safe='')}/votes/summary").json())

    def get_webhooks(self, *, cursor: str | None = None, limit: int | None = None) -> Webhooks:
        """GET /v1/webhooks"""
        return cast(Webhooks, self.request("GET", f"/v1/webhooks", params={"cursor": cursor, "limit": limit}).json())

    def post_webhooks(self, body: WebhooksRequest) -> PostWebhooks:
        """Tell an address when a run has ended. POST /v1/webhooks"""
        return cast(PostWebhooks, self.request("POST", f"/v1/webhooks", json=body).json())

    def delete_webhook(self, webhook: str) -> None:
        """Tell it nothing more. DELETE /v1/webhooks/{id}"""
        self.request("DELETE", f"/v1/webhooks/{quote(webhook, safe='')}")

    def get_webhook_deliveries(self, webhook: str, *, cursor: str | None = None, limit: int | None = None) -> WebhookDeliveries:
        """What was told or is still to be told, newest first. GET /v1/webhooks/{id}/deliveries"""
        return cast(WebhookDeliveries, self.request("GET", f"/v1/webhooks/{quote(webhook, safe='')}/deliveries", params={"cursor": cursor, "limit": limit}).json())

    def get_session(self) -> Session:
        """Who am I?. GET /v1/session"""
        return cast(Session, self.request("GET", f"/v1/session").json())

    def post_session(self, body: SessionRequest) -> Session:
        """Sign in with a key. The answer sets a cookie (HttpOnly, SameSite=Strict) that is good for 12 hours. POST /v1/session"""
        return cast(Session, self.request("POST", f"/v1/session", json=body).json())

    def delete_session(self) -> None:
        """Sign out. DELETE /v1/session"""
        self.request("DELETE", f"/v1/session")
