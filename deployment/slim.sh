#!/bin/sh
# Takes from a virtual environment what no service runs: the installer, the symbols of libraries, packages' own tests.
# Usage: slim.sh VENV. It needs `strip`. Libraries that wheels bring along in *.libs keep their symbols, because
# tools that moved them there left layouts that `strip` may damage.
set -eu
"$1"/bin/python -m pip uninstall --quiet --yes pip setuptools
packages=$("$1"/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
find "$packages" -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} +
find "$packages" -type d -name tests -prune -exec rm -rf {} +
# Of the names of countries, those in the languages of lists: see number/countries.py.
find "$packages/babel/locale-data" -name '*.dat' ! -name root.dat ! -name en.dat ! -name fr.dat -delete
# Days count, not their names (core/work_calendar.py). zstandard has a second implementation, for PyPy.
rm -rf "$packages/holidays/locale" "$packages"/zstandard/_cffi.*
# The database is PostgreSQL, and nothing is compiled any more.
rm -rf "$packages"/sqlalchemy/testing "$packages"/sqlalchemy/dialects/mssql "$packages"/sqlalchemy/dialects/mysql \
    "$packages"/sqlalchemy/dialects/oracle
find "$packages" -name '*.pyi' -delete -o -name '*.pyx' -delete -o -name '*.pxd' -delete -o -name '*.h' -delete
