-- AlterTable
ALTER TABLE "run" ADD COLUMN "vote_revision" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "vote" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "run_id" UUID NOT NULL,
    "annotation_id" UUID NOT NULL,
    "voter" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "candidates" UUID[],
    "shown" UUID[],
    "outcome" TEXT NOT NULL,
    "ranking" UUID[],
    "seconds" DOUBLE PRECISION NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revision" INTEGER NOT NULL,
    "undone" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "vote_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "vote_annotation_id_idx" ON "vote"("annotation_id");

-- CreateIndex
CREATE UNIQUE INDEX "vote_run_id_voter_candidates_undone_key" ON "vote"("run_id", "voter", "candidates", "undone");

-- CreateIndex
CREATE UNIQUE INDEX "vote_run_id_revision_key" ON "vote"("run_id", "revision");

-- AddForeignKey
ALTER TABLE "vote" ADD CONSTRAINT "vote_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "vote" ADD CONSTRAINT "vote_annotation_id_fkey" FOREIGN KEY ("annotation_id") REFERENCES "annotation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What is under way counts no votes.
UPDATE "task" SET "payload" = '{"votes": 0}' WHERE "kind" = 'train';
UPDATE "run" SET "settings" = "settings" || '{"votes": 0}' WHERE "kind" = 'export';
