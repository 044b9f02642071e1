"""Onboarding of enterprises' programs: application, reviews, sandbox, test report, and interfaces that retire."""
