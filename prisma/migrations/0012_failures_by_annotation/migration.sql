-- CreateIndex
CREATE INDEX "item_failure_annotation_id_idx" ON "item_failure"("annotation_id");
