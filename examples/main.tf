# Terraform or OpenTofu: the image is fetched and proved when the plan is made.
terraform {
  required_providers {
    external = {
      source = "hashicorp/external"
    }
  }
}

data "external" "image" {
  program = ["isomanager", "get", "ubuntu/server@lts", "--variables", "json"]
}

output "iso" {
  value = data.external.image.result.iso_url
}

output "checksum" {
  value = data.external.image.result.iso_checksum
}
