"""Assets are addressed by their content, and two packages cannot have the same name for different ones."""

import pytest
from fastapi.testclient import TestClient

from service.web.assets import Assets
from tests.web.small_site import ASSETS


def test_get_asset_of_a_page_may_be_kept_for_ever(site: TestClient) -> None:
    path = ASSETS.path("extra.css")
    assert f'<link rel="stylesheet" href="{path}">' in site.get("/").text
    response = site.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_get_asset_of_another_version_or_name_is_not_found(site: TestClient) -> None:
    folder = ASSETS.path("extra.css").rpartition("/")[0]
    paths = ("/files/000000000000/extra.css", f"{folder}/nothing.css", f"{folder}/..%2Fextra.css", f"{folder}/base.css")
    assert [path for path in paths if site.get(path).status_code != 404] == []


def test_assets_of_two_packages_with_the_same_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two packages have a file"):
        Assets.of_site("service.web", "/files").path("base.css")
