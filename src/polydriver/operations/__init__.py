"""Operations beyond chat: embeddings, moderation, images, speech, reranking, token counts, files, batches.

Users call the methods of `Provider` and `AsyncProvider`. A driver has an operation when one of the parts that it lists
as `operations`, or the driver itself, has its hooks; else `UnsupportedFeatureError` is raised before anything is sent.
`get_capabilities()` tells of the same. The records are `polydriver.operations.kinds.OPERATIONS`:

=================  ========================  ======================  ==================  ================
method             hooks: build\\_, parse\\_   request                 result              capability
=================  ========================  ======================  ==================  ================
embed              embeddings                EmbeddingRequest        EmbeddingResponse   embeddings
moderate           moderation                ModerationRequest       ModerationResponse  moderation
generate_image     image                     ImageRequest            ImageResponse       image_generation
edit_image         image_edit                ImageEditRequest        ImageResponse       image_editing
speak              speech                    SpeechRequest           SpeechResponse      speech
transcribe         transcription             TranscriptionRequest    Transcript          transcription
translate          translation               TranscriptionRequest    Transcript          translation
rerank             rerank                    RerankRequest           RerankResponse      rerank
ocr                ocr                       OCRRequest              OCRResponse         ocr
count_tokens       token_count               Prompt                  TokenCount          token_counting
upload_file        file_upload               FileUpload              StoredFile          files
list_files         file_list                 PageRequest             Page[StoredFile]    files
get_file           file                      ItemRequest             StoredFile          files
delete_file        file_deletion             ItemRequest             DeletedFile         files
download_file      file_download             ItemRequest             FileContent         file_download
create_batch       batch                     BatchRequest            Batch               batches
get_batch          batch_status              ItemRequest             Batch               batches
list_batches       batch_list                PageRequest             Page[Batch]         batches
cancel_batch       batch_cancellation        ItemRequest             Batch               batches
get_batch_results  batch_results             ItemRequest             BatchResults        batches
get_response       stored_response           ItemRequest             AIResponse          stored_responses
cancel_response    response_cancellation     ItemRequest             AIResponse          stored_responses
=================  ========================  ======================  ==================  ================

The signatures, for embeddings::

    def build_embeddings(self, request: EmbeddingRequest) -> Request: ...
    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse: ...

The replies have a 2xx status. An operation that takes several exchanges has one generator hook in place of the pair,
which yields requests, is sent their replies (2xx, each retried on its own), and returns the result::

    def batch_flow(self, request: BatchRequest) -> Generator[Request, Reply, Batch]: ...

Hooks put `request.options` (see `Driver.operation_options`) and then `request.extra` into the body, add
`request.extra_headers` to the headers, and call `request.warn(...)` for a field that the provider does not take. The
engine fills in `provider`, `requested_model`, `request_id`, `response_time`, `warnings` and, from `usage` and
`units`, `cost`, where a hook left it open. Base classes with the pairs of OpenAI's form, for services that take it
over, are in `polydriver.wires.operations`.
"""

from __future__ import annotations

__all__: list[str] = []
