"""What pages of any kind share: addresses, templates, assets, forms, cookies, problems as pages and security headers.

A set of pages with one frame and one set of cookies is a `Site`; the person's portal is one.
"""
