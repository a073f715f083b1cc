"""The API as many viewers read it at once."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.worlds.sight import Viewer
from tests.worlds.told import Told


@dataclass
class Reader:
    """The API as one viewer reads it, beside all others, in the loop of the application itself."""

    client: httpx2.AsyncClient
    told: Told
    viewer: Viewer
    token: str

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **options)

    async def get(self, path: str, **params: Any) -> Any:
        response = await self.request("GET", path, params=params)
        assert response.is_success, (path, response.status_code, response.text)
        return response.json()

    async def post(self, path: str, body: Any) -> Any:
        response = await self.request("POST", path, json=body)
        assert response.is_success, (path, response.status_code, response.text)
        return response.json()

    async def lineage(self, dataset_id: str) -> dict[str, list[Any]] | None:
        """The whole lineage of a dataset from its pages, each edge after its datasets, or None if one is refused."""
        found: dict[str, list[Any]] = {"nodes": [], "edges": []}
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            params = {"direction": "both", "limit": 4} | ({"after": page["next"]} if page["next"] else {})
            response = await self.request("GET", f"/v1/datasets/{dataset_id}/lineage", params=params)
            if not response.is_success:
                return None
            page = response.json()
            found["nodes"] += page["nodes"]
            found["edges"] += page["edges"]
            ids = {node["dataset"]["id"] for node in found["nodes"]}
            assert all({edge["from_dataset_id"], edge["to_dataset_id"]} <= ids for edge in page["edges"])
        assert (len(found["nodes"]), len(found["edges"])) == (page["node_count"], page["edge_count"])
        return found

    async def pages(self, path: str) -> list[Any]:
        page = await self.get(path, limit=1000)
        items = page["items"]
        while page["next"] is not None:
            page = await self.get(path, limit=1000, after=page["next"])
            items += page["items"]
        return list(items)
