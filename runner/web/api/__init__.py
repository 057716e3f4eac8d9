"""The routes of ``/api/v1``, for programs: JSON, bearer tokens, problems of RFC 9457."""
