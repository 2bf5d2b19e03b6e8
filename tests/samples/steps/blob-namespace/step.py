from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient


def address(account: str, name: str) -> str:
    key = AzureNamedKeyCredential(account, "bm9uZQ==")
    service = BlobServiceClient(f"https://{account}.blob.example", credential=key)
    return service.get_blob_client("models", name).url
