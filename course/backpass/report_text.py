def report_text(report): return "\n".join(f"{i.state} {i.title}: {i.message} {i.mistake}" for i in report.items)
