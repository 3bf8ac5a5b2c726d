"""A tiny Chalice app and a distribution in front of it, as users of the local cloud make them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.localcloud.cloud import ROOT, Cloud, policy, unique

APP = """
import time
from chalice import AuthResponse, Chalice

app = Chalice(app_name="tiny")

@app.authorizer()
def guard(request):
    return AuthResponse(routes=["*"] if request.token == "let-me-in" else [], principal_id="someone", context={"a": "b"})

@app.route("/v1/things/{name}", methods=["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"], cors=True)
def things(name):
    request = app.current_request
    return {"name": name, "method": request.method, "query": request.query_params,
            "headers": dict(request.headers), "body": request.json_body}

@app.route("/v1/private", authorizer=guard)
def private():
    return {"who": app.current_request.context["authorizer"]["principalId"]}

@app.lambda_function()
def crash(event, context):
    raise ValueError("no")

@app.lambda_function()
def dawdle(event, context):
    time.sleep(2)
"""
CONFIG = {
    "version": "2.0",
    "app_name": "tiny",
    "autogen_policy": False,
    "stages": {"local": {"api_gateway_stage": "api", "iam_policy_file": "policy.json"}},
}
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}

ALL_METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def write_app(folder: Path) -> Path:
    """Write the app's project."""
    (folder / ".chalice").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "requirements.txt").write_text("")
    (folder / ".chalice" / "config.json").write_text(json.dumps(CONFIG))
    (folder / ".chalice" / "policy.json").write_text(policy(LOGS))
    return folder


def deploy(cloud: Cloud, project: Path) -> str:
    """Run plain `chalice deploy` against the cloud; return what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(project),
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [str(ROOT / ".venv" / "bin" / "chalice"), "deploy", "--stage", "local"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def api_id(printed: str) -> str:
    """Read the API's id out of what Chalice printed."""
    return printed.split("https://")[1].split(".", maxsplit=1)[0]


def put_in_front(cloud: Cloud, api: str) -> str:
    """Make a distribution for this machine's origin: API under /v1, a site elsewhere. Return its id."""
    bucket = unique("site")
    s3, cloudfront = cloud.client("s3"), cloud.client("cloudfront")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"<h1>home</h1>", ContentType="text/html")
    control = {
        "Name": bucket,
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    oac = cloudfront.create_origin_access_control(OriginAccessControlConfig=control)["OriginAccessControl"][
        "Id"
    ]
    made = cloudfront.create_distribution(DistributionConfig=_distribution(bucket, oac, api))["Distribution"]
    read = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": made["ARN"]}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(read))
    return str(made["Id"])


def _distribution(bucket: str, oac: str, api: str) -> dict[str, Any]:
    site = {
        "Id": "site",
        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
        "OriginAccessControlId": oac,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    gateway = {
        "Id": "api",
        "DomainName": f"{api}.execute-api.us-east-1.amazonaws.com",
        "OriginPath": "/api",
        "CustomHeaders": _list([{"HeaderName": "x-origin-secret", "HeaderValue": "s3cret"}]),
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": _list(["TLSv1.2"]),
        },
    }
    behaviour = {
        "PathPattern": "/v1/*",
        "TargetOriginId": "api",
        "ViewerProtocolPolicy": "https-only",
        "CachePolicyId": CACHING_DISABLED,
        "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST,
        "AllowedMethods": {**_list(ALL_METHODS), "CachedMethods": _list(["GET", "HEAD"])},
    }
    return {
        "CallerReference": unique("call"),
        "Comment": "",
        "Enabled": True,
        "Aliases": _list(["127.0.0.1"]),
        "DefaultRootObject": "index.html",
        "Origins": _list([gateway, site]),
        "CacheBehaviors": _list([behaviour]),
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": CACHING_OPTIMIZED,
        },
    }


def _list(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items}
