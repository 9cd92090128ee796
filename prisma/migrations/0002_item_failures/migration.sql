-- AlterTable
ALTER TABLE "stage" ADD COLUMN "dropped" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "item_failure" (
    "id" BIGSERIAL NOT NULL,
    "run_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "annotation_id" UUID NOT NULL,
    "variant" TEXT NOT NULL,
    "slot" INTEGER NOT NULL,
    "what" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "item_failure_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "item_failure_run_id_id_idx" ON "item_failure"("run_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "item_failure_task_id_annotation_id_slot_what_key" ON "item_failure"("task_id", "annotation_id", "slot", "what");

-- AddForeignKey
ALTER TABLE "item_failure" ADD CONSTRAINT "item_failure_task_id_fkey" FOREIGN KEY ("task_id") REFERENCES "task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "item_failure" ADD CONSTRAINT "item_failure_annotation_id_fkey" FOREIGN KEY ("annotation_id") REFERENCES "annotation"("id") ON DELETE CASCADE ON UPDATE CASCADE;
