"""Registers into FHIR R4 Bulk Data: valid resources, assembled as bytes, column by column."""

from sandkasse.transforms.fhir.export import FhirExport, FhirOptions, export_fhir

__all__ = ["FhirExport", "FhirOptions", "export_fhir"]
